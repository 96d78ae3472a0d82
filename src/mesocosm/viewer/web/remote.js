/* A source {meta(), frame(t)} behind a socket. One question is under way at a time: the next is sent when its answer is
 * here, so a slow page asks less and never makes anybody wait. Frames last asked for are kept. */
"use strict";

((mesocosm) => {
  const KEPT = 1200;
  const KEPT_BYTES = 64e6;
  const ANEW_MS = 2000;
  const ARRAYS = { u8: Uint8Array, i8: Int8Array, u16: Uint16Array, i16: Int16Array, i32: Int32Array, f32: Float32Array };
  const TOLD_MS = 10_000;
  const TORN = "An answer of the server was torn";
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

  /** Questions to the server, one after the other. `trouble` is told a sentence when the connection ends, and for some
   * milliseconds when an answer was torn: it is asked for once more, unless that were a second wish. */
  class Line {
    constructor(address, trouble) {
      this.waiting = [];
      this.asked = null;
      this.n = 0;
      this.isLost = false;
      this.trouble = trouble;
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
        const { error, wait, said, planes } = read(data);
        if (error) throw Object.assign(new Error(error), { wait: wait === true });
        asked.accept({ said, planes });
      } catch (error) {
        const isTorn = error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError;
        if (!isTorn) asked.refuse(error);
        else if (asked.isAgain || asked.question.ask === "do") asked.refuse(new Error(`${TORN}; load the page again.`));
        else {
          this.trouble(`${TORN}; it was asked for once more.`, TOLD_MS);
          this.waiting.unshift({ ...asked, isAgain: true });
        }
      }
      this.next();
    }
  }

  function asFrame({ said, planes }) {
    const frame = { ...said, populations: [], fields: {}, curves: {}, images: {}, graphs: {} };
    const parts = { field: frame.fields, curve: frame.curves, image: frame.images, graph: frame.graphs };
    for (const [name, values] of Object.entries(planes)) {
      const [kind, what, ...rest] = name.split(" ");
      if (parts[kind]) parts[kind][[what, ...rest].join(" ")] = values;
      else {
        const points = (frame.populations[Number(kind)] ??= { n: 0, columns: {} });
        if (what === "column") points.columns[rest.join(" ")] = values;
        else if (what !== "heading" || values.length) points[what] = values;
        if (what === "id") points.n = values.length;
      }
    }
    frame.bytes = Object.values(planes).reduce((sum, values) => sum + values.byteLength, 0);
    return frame;
  }

  /** Frames that were asked for, as many as fit; one that lacks a column that is wanted is no longer good. */
  class Kept {
    constructor() {
      this.clear();
    }

    clear() {
      this.frames = new Map();
      this.bytes = 0;
    }

    get(t, want) {
      const kept = this.frames.get(t);
      return kept && (kept.want === null || (want && want.every((name) => kept.want.includes(name)))) ? kept.frame : null;
    }

    put(t, want, frame) {
      this.forget(t);
      this.frames.set(t, { want, frame, bytes: frame.bytes });
      this.bytes += frame.bytes;
      while (this.frames.size > KEPT || (this.bytes > KEPT_BYTES && this.frames.size > 2)) this.forget(this.frames.keys().next().value);
    }

    forget(t) {
      this.bytes -= this.frames.get(t)?.bytes ?? 0;
      this.frames.delete(t);
    }
  }

  /** What every world of a server answers: frames, individuals, a stretch as a file. */
  function basics(line, world, kept) {
    const underway = new Map();
    return {
      frame(t, want = null) {
        const known = kept.get(t, want);
        if (known) return known;
        const key = `${t} ${want}`;
        if (!underway.has(key)) {
          const asked = line.ask({ ask: "frame", world, t, want }).then((answer) => {
            const frame = asFrame(answer);
            kept.put(t, want, frame);
            return frame;
          });
          underway.set(key, asked.finally(() => underway.delete(key)));
        }
        return underway.get(key);
      },
      individual: async (id, t) => (await line.ask({ ask: "individual", world, id, t })).said,
      save: async (from, to) => (await line.ask({ ask: "page", world, from, to })).planes.content,
    };
  }

  /** What a world is, once there is something to see; until then `waits` is told why there is not. Where nothing is to
   * come, the answer does not say `wait`, and the page says why. */
  async function described(line, world, waits) {
    for (;;) {
      try {
        return (await line.ask({ ask: "meta", world })).said;
      } catch (error) {
        if (line.isLost || !error.wait) throw error;
        waits(error.message);
      }
      await new Promise((done) => setTimeout(done, ANEW_MS));
    }
  }

  /** World k of the server as a source; `changed` is called when a run that is being written has grown. */
  async function openRemote(line, world, changed, waits) {
    let meta = await described(line, world, waits);
    const grow = async () => {
      if (meta.status !== "running" || line.isLost) return;
      const { said } = await line.ask({ ask: "meta", world }).catch(() => ({ said: meta }));
      const isLonger = said.n_frames > meta.n_frames;
      meta = said;
      if (isLonger) changed();
      setTimeout(grow, ANEW_MS);
    };
    setTimeout(grow, ANEW_MS);
    return { meta: () => meta, ...basics(line, world, new Kept()) };
  }

  Object.assign(mesocosm, { Line, Kept, openRemote, asFrame, basics });
})((globalThis.mesocosm ??= {}));
