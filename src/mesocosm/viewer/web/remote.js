/* A source {meta(), frame(t)} behind a socket. One question is under way at a time: the next is sent when its answer is
 * here, so a slow page asks less and never makes anybody wait. Frames last asked for are kept. */
"use strict";

((mesocosm) => {
  const KEPT = 400;
  const ANEW_MS = 2000;
  const ARRAYS = { u8: Uint8Array, u16: Uint16Array, i32: Int32Array };
  const LOST = "The connection to mesocosm is lost: the server was stopped. Run `mesocosm watch` again.";

  function read(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const { planes, ...header } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    let at = 4 + length;
    header.planes = {};
    for (const [name, type, n] of planes) {
      const values = new ARRAYS[type](buffer, at, n);
      header.planes[name] = values;
      at += Math.ceil(values.byteLength / 4) * 4;
    }
    return header;
  }

  /** Questions to the server, one after the other. `trouble` is told a sentence when the connection ends. */
  class Line {
    constructor(address, trouble) {
      this.waiting = [];
      this.asked = null;
      this.n = 0;
      this.isLost = false;
      this.socket = new WebSocket(address);
      this.socket.binaryType = "arraybuffer";
      this.socket.onopen = () => this.next();
      this.socket.onmessage = (event) => this.heard(event.data);
      this.socket.onclose = () => {
        this.isLost = true;
        trouble(LOST);
        for (const { refuse } of [this.asked, ...this.waiting].filter(Boolean)) refuse(new Error(LOST));
        this.waiting = [];
      };
    }

    ask(question) {
      if (this.isLost) return Promise.reject(new Error(LOST));
      return new Promise((accept, refuse) => {
        this.waiting.push({ question: { ...question, n: this.n++ }, accept, refuse });
        this.next();
      });
    }

    next() {
      if (this.asked || !this.waiting.length || this.socket.readyState !== WebSocket.OPEN) return;
      this.asked = this.waiting.shift();
      this.socket.send(JSON.stringify(this.asked.question));
    }

    heard(data) {
      const { asked } = this;
      this.asked = null;
      try {
        const { error, said, planes } = read(data);
        if (error) throw new Error(error);
        asked.accept({ said, planes });
      } catch (error) {
        const isPlain = !(error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError);
        asked.refuse(isPlain ? error : new Error("An answer of the server was torn; load the page again."));
      }
      this.next();
    }
  }

  function asFrame({ said, planes }) {
    const frame = { ...said, id: planes.id, x: planes.x, y: planes.y, columns: {}, fields: {} };
    frame.sources = { x: planes["source x"], y: planes["source y"] };
    for (const [name, values] of Object.entries(planes)) {
      if (name.startsWith("column ")) frame.columns[name.slice(7)] = values;
      if (name.startsWith("field ")) frame.fields[name.slice(6)] = values;
    }
    return frame;
  }

  /** World k of the server as a source; `changed` is called when a run that is being written has grown. */
  async function openRemote(line, world, changed) {
    let meta = (await line.ask({ ask: "meta", world })).said;
    const kept = new Map();
    const grow = async () => {
      if (meta.status !== "running" || line.isLost) return;
      const { said } = await line.ask({ ask: "meta", world }).catch(() => ({ said: meta }));
      const isLonger = said.n_frames > meta.n_frames;
      meta = said;
      if (isLonger) changed();
      setTimeout(grow, ANEW_MS);
    };
    setTimeout(grow, ANEW_MS);
    return {
      meta: () => meta,
      frame(t) {
        const frame = kept.get(t) ?? line.ask({ ask: "frame", world, t }).then(asFrame);
        kept.delete(t);
        kept.set(t, frame);
        if (kept.size > KEPT) kept.delete(kept.keys().next().value);
        return frame;
      },
      individual: async (id) => (await line.ask({ ask: "individual", world, id })).said,
    };
  }

  Object.assign(mesocosm, { Line, openRemote });
})((globalThis.mesocosm ??= {}));
