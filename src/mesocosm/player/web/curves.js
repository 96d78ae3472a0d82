/* Draws the curves of a scene at one moment: vectors as lines over their index, matrices as pictures; and pictures, and
 * fields that lie nowhere. The first frame that was seen stays as a faint line, so that change can be seen. */
"use strict";

((mesocosm) => {
  const ROW = 92; // CSS pixels of a vector
  const LABEL = 15;
  const WIDEST = 480; // CSS pixels of a matrix

  class CurveView {
    /** `row`: CSS pixels of a vector. */
    constructor(canvas, curves, pictures = [], row = ROW) {
      this.canvas = canvas;
      this.row = row;
      this.context = canvas.getContext("2d");
      this.curves = curves;
      this.pictures = pictures; // each with `width` and `height`
      this.small = document.createElement("canvas");
      this.first = {};
      this.ranges = {};
    }

    heightOf({ shape, height, width }) {
      if (shape?.length < 2) return this.row;
      const room = Math.min((mesocosm.widthOf(this.canvas) || 300) - 20, WIDEST);
      const [rows, columns] = shape ? [shape[0], shape.slice(1).reduce((a, b) => a * b, 1) || 1] : [height, width];
      return LABEL + 12 + (room * rows) / columns;
    }

    draw(frame, theme) {
      const { canvas, context } = this;
      const pixel = globalThis.devicePixelRatio || 1;
      const width = Math.max(1, mesocosm.widthOf(canvas));
      const height = [...this.curves, ...this.pictures].reduce((sum, one) => sum + this.heightOf(one), 0);
      if (canvas.width !== Math.round(width * pixel) || canvas.height !== Math.round(height * pixel)) {
        canvas.style.aspectRatio = `${width} / ${Math.round(height)}`;
        canvas.width = Math.round(width * pixel);
        canvas.height = Math.round(height * pixel);
      }
      context.setTransform(pixel, 0, 0, pixel, 0, 0);
      context.fillStyle = theme.ground;
      context.fillRect(0, 0, width, height);
      let top = 0;
      this.boxes = [];
      for (const curve of this.curves) {
        const values = frame.curves?.[curve.name];
        const box = { left: 10, top: top + LABEL + 4, width: width - 20, height: this.heightOf(curve) - LABEL - 12 };
        this.boxes.push([curve, box]);
        if (values?.length) this.one(curve, values, box, theme);
        top += this.heightOf(curve);
      }
      for (const picture of this.pictures) {
        const box = { left: 10, top: top + LABEL + 4, width: width - 20, height: this.heightOf(picture) - LABEL - 12 };
        this.boxes.push([picture, box]);
        this.label(mesocosm.nameOf(picture), box, theme);
        this.picture(picture, frame, box, theme);
        top += this.heightOf(picture);
      }
    }

    /** What lies at a point of the canvas (CSS pixels): lines of text. */
    probe(left, top, frame) {
      const found = this.boxes?.find(([, box]) => top >= box.top && top < box.top + box.height && left >= box.left);
      if (!found || !frame) return [];
      const [what, box] = found;
      const unit = what.unit ? ` ${what.unit}` : "";
      const [rows, columns] = what.shape ? gridOf(what) : [what.height, what.width];
      const wide = rows > 1 || !what.shape ? Math.min(box.width, WIDEST) : box.width;
      const column = Math.floor(((left - box.left) / wide) * (columns - (rows > 1 || !what.shape ? 0 : 1)) + (rows > 1 || !what.shape ? 0 : 0.5));
      const row = rows > 1 ? Math.floor(((top - box.top) / box.height) * rows) : 0;
      if (column < 0 || column >= columns) return [];
      const at = row * columns + column;
      const place = rows > 1 ? `row ${row + 1}, column ${column + 1}` : what.shape && what.words?.[column] ? what.words[column] : `number ${column + 1}`;
      const name = mesocosm.nameOf(what);
      if (what.shape) return [`${name}: ${mesocosm.plain(frame.curves[what.name]?.[at])}${unit}`, place];
      const bytes = frame.images?.[what.name];
      if (bytes) return [`${name}: ${what.channels === 3 ? [...bytes.slice(3 * at, 3 * at + 3)].join(", ") : bytes[at]}${unit}`, place];
      const level = frame.fields?.[what.name]?.[at];
      if (level === undefined) return [];
      const value = mesocosm.valueOfLevel(level, frame.scales[what.name]);
      return [`${name}: ${what.words?.[value] ?? `${mesocosm.plain(value)}${unit}`}`, place];
    }

    label(text, box, theme) {
      const { context } = this;
      context.fillStyle = theme.ink;
      context.font = "12px system-ui, sans-serif";
      context.textBaseline = "alphabetic";
      context.fillText(text, box.left, box.top - 4, box.width);
    }

    /** A picture in grey, in its own palette or in three colours; or a field in the colours that it has elsewhere. */
    picture({ name, width, height, channels, palette, ...field }, frame, box, theme) {
      const bytes = frame.images?.[name] ?? frame.fields?.[name];
      if (!bytes) return;
      const image = this.context.createImageData(width, height);
      const words = new Uint32Array(image.data.buffer);
      if (frame.images?.[name]) {
        const own = (palette ?? []).map(mesocosm.pixelOf);
        for (let k = 0; k < words.length; k++) {
          const [r, g, b] = channels === 3 ? [bytes[3 * k], bytes[3 * k + 1], bytes[3 * k + 2]] : Array(3).fill(bytes[k]);
          words[k] = own.length ? own[bytes[k] % own.length] : ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
        }
      } else {
        const shades = mesocosm.shadesOfField({ palette, ...field }, frame.scales[name], theme, 0);
        for (let k = 0; k < words.length; k++) words[k] = shades[bytes[k]];
      }
      this.put(image, box);
    }

    put(image, box) {
      const { small } = this;
      [small.width, small.height] = [image.width, image.height];
      small.getContext("2d").putImageData(image, 0, 0);
      this.context.imageSmoothingEnabled = false;
      this.context.drawImage(small, box.left, box.top, Math.min(box.width, WIDEST), box.height);
    }

    /** The range of a curve so far; it only grows, so that frames can be compared. */
    range(name, values) {
      const range = (this.ranges[name] ??= [Infinity, -Infinity]);
      for (const value of values) {
        if (!Number.isFinite(value)) continue;
        if (value < range[0]) range[0] = value;
        if (value > range[1]) range[1] = value;
      }
      return range[1] > range[0] ? range : [range[0] - 0.5, range[0] + 0.5];
    }

    one(curve, values, box, theme) {
      const [low, high] = this.range(curve.name, values);
      this.first[curve.name] ??= Float32Array.from(values);
      const seen = this.ranges[curve.name].map(mesocosm.plain); // of what never changes one number
      const said = seen[0] === seen[1] ? seen[0] : seen.join(" to ");
      this.label(`${mesocosm.nameOf(curve)}  ${said} ${curve.unit ?? ""}`.trimEnd(), box, theme);
      if (curve.shape.length > 1) return this.matrix(curve, values, [low, high], box, theme);
      if (low < 0 && high > 0) this.rule(box, high / (high - low), theme);
      this.line(this.first[curve.name], [low, high], box, theme.ink, 0.3);
      this.line(values, [low, high], box, theme.classes[0], 1);
    }

    rule(box, share, theme) {
      const { context } = this;
      context.globalAlpha = 0.25;
      context.fillStyle = theme.ink;
      context.fillRect(box.left, box.top + share * box.height, box.width, 1);
      context.globalAlpha = 1;
    }

    line(values, [low, high], box, style, alpha) {
      const { context } = this;
      const right = (k) => box.left + (values.length > 1 ? (k / (values.length - 1)) * box.width : box.width / 2);
      const down = (value) => box.top + ((high - value) / (high - low)) * box.height;
      context.beginPath();
      for (let k = 0; k < values.length; k++) context.lineTo(right(k), down(values[k]));
      context.strokeStyle = context.fillStyle = style;
      context.globalAlpha = alpha;
      context.lineWidth = 1.5;
      context.stroke();
      if (values.length < 40) for (let k = 0; k < values.length; k++) context.fillRect(right(k) - 2, down(values[k]) - 2, 4, 4);
      context.globalAlpha = 1;
    }

    /** From the lowest colour to the highest; around zero where there are both signs. */
    matrix({ shape }, values, [low, high], box, theme) {
      const rows = shape[0];
      const columns = values.length / rows;
      const image = this.context.createImageData(columns, rows);
      const most = low < 0 ? Math.max(-low, high) : null;
      const [minus, plus] = [theme.rgb(theme.classes[1]), theme.rgb(theme.classes[0])];
      for (let k = 0; k < values.length; k++) {
        const share = most ? Math.abs(values[k]) / most : (values[k] - low) / (high - low);
        const colour = most && values[k] < 0 ? minus : plus;
        image.data.set([...colour, Math.round(255 * Math.min(1, share))], 4 * k);
      }
      this.put(image, box);
    }
  }

  /** Rows and columns of a curve as it is drawn. */
  const gridOf = ({ shape }) => (shape.length > 1 ? [shape[0], shape.slice(1).reduce((a, b) => a * b, 1)] : [1, shape[0]]);

  mesocosm.CurveView = CurveView;
})((globalThis.mesocosm ??= {}));
