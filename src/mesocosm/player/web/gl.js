/* Many bodies on a graphics processor: the same squares, in the same pixels, as `dots.js` writes into memory. Used where
 * there is a real one; a graphics library that runs on the processor is slower than the raster. */
"use strict";

((mesocosm) => {
  const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;
  const VERTEX = `#version 300 es
    precision highp float;
    precision highp usampler2D;
    in vec2 place;
    in uint shade;
    uniform vec2 extent, centre, size;
    uniform float scale, side;
    uniform bool wraps;
    uniform sampler2D palette;
    flat out vec4 colour;
    void main() {
      vec2 off = place - centre;
      vec2 away = wraps ? mod(off + 1.5 * extent, extent) - 0.5 * extent : off;
      vec2 at = floor(away * scale + 0.5 * size);
      bool isSeen = all(greaterThanEqual(at, vec2(0.0))) && all(lessThan(at, size));
      vec2 middle = min(at, size - side) + 0.5 * side;
      gl_Position = isSeen ? vec4(2.0 * middle.x / size.x - 1.0, 1.0 - 2.0 * middle.y / size.y, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
      gl_PointSize = side;
      colour = texelFetch(palette, ivec2(int(shade), 0), 0);
    }`;
  const FRAGMENT = `#version 300 es
    precision mediump float;
    flat in vec4 colour;
    out vec4 seen;
    void main() { seen = colour; }`;

  let shared; // one for all views: a page may have but a few

  /** What draws on a graphics processor; null where there is none that is real. `anyway`: be it what it may. */
  mesocosm.graphics = (anyway = false) => {
    if (shared === undefined || (anyway && !shared)) shared = open(anyway);
    return shared;
  };

  function open(anyway) {
    const canvas = document.createElement("canvas");
    const gl = canvas.getContext("webgl2", { antialias: false, depth: false, failIfMajorPerformanceCaveat: !anyway });
    if (!gl) return null;
    const told = gl.getExtension("WEBGL_debug_renderer_info");
    const name = gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
    if (!anyway && SOFTWARE.test(name)) return null;
    try {
      return new Graphics(canvas, gl, name);
    } catch {
      return null; // its compiler refuses what the standard allows: the raster does it
    }
  }

  class Graphics {
    constructor(canvas, gl, name) {
      Object.assign(this, { canvas, gl, name });
      const program = gl.createProgram();
      for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
        const shader = gl.createShader(kind);
        gl.shaderSource(shader, text);
        gl.compileShader(shader);
        gl.attachShader(program, shader);
      }
      ["place", "shade"].forEach((attribute, k) => gl.bindAttribLocation(program, k, attribute));
      gl.linkProgram(program);
      if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
      gl.useProgram(program);
      this.at = Object.fromEntries(["extent", "centre", "size", "scale", "side", "wraps", "palette"].map((u) => [u, gl.getUniformLocation(program, u)]));
      this.buffers = [gl.createBuffer(), gl.createBuffer()];
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
      for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
      this.palette = new Uint8Array(4 * 256);
      this.places = new Uint16Array(0);
    }

    /** As `Dots.drawDots`. */
    drawDots(view, { x, y, n }, { shades, colours }, side) {
      const { gl, canvas, at } = this;
      const { size, tall, extent, camera, scale, wraps } = view;
      if (canvas.width !== size || canvas.height !== tall) Object.assign(canvas, { width: size, height: tall });
      colours.forEach((text, k) => {
        const word = mesocosm.pixelOf(text);
        this.palette.set([word & 255, (word >> 8) & 255, (word >> 16) & 255, 255], 4 * k);
      });
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, this.palette);
      if (this.places.length < 2 * n) this.places = new Uint16Array(4 * n);
      for (let i = 0, k = 0; i < n; i++) {
        this.places[k++] = x[i];
        this.places[k++] = y[i];
      }
      this.send(0, this.places.subarray(0, 2 * n), () => gl.vertexAttribPointer(0, 2, gl.UNSIGNED_SHORT, false, 0, 0));
      this.send(1, shades.subarray(0, n), () => gl.vertexAttribIPointer(1, 1, gl.UNSIGNED_BYTE, 0, 0));
      gl.uniform2f(at.extent, ...extent);
      gl.uniform2f(at.centre, camera.x, camera.y);
      gl.uniform2f(at.size, size, tall);
      gl.uniform1f(at.scale, scale);
      gl.uniform1f(at.side, side);
      gl.uniform1i(at.wraps, wraps ? 1 : 0);
      gl.viewport(0, 0, size, tall);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.drawArrays(gl.POINTS, 0, n);
      view.context.drawImage(canvas, 0, 0);
    }

    send(k, values, describe) {
      const { gl } = this;
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[k]);
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.STREAM_DRAW);
      gl.enableVertexAttribArray(k);
      describe();
    }
  }
})((globalThis.mesocosm ??= {}));
