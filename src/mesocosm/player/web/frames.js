/* Reads what frames.py packs. `mesocosm.openFrames(bytes)` resolves to a source {meta(), frame(t)} for createPlayer.
 * Frames are read one after the other when first asked for; all that were read are kept. */
"use strict";

((mesocosm) => {
  const MAGIC = "MESOFRM2";
  const EXTENT = 4096; // steps into which the bounds of a plane are divided
  const FEW = 16;
  const ESCAPE = 128;

  class Damaged extends Error {}

  /** Signed integers as zigzag and seven bits a byte. */
  class Numbers {
    constructor(bytes) {
      this.bytes = bytes;
      this.at = 0;
    }

    next() {
      let value = 0;
      let scale = 1;
      for (;;) {
        if (this.at >= this.bytes.length) throw new Damaged("a plane ends too early");
        const byte = this.bytes[this.at++];
        value += (byte & 127) * scale;
        if (byte < 128) break;
        scale *= 128;
      }
      return value % 2 ? -(value + 1) / 2 : value / 2;
    }

    all() {
      const out = [];
      while (this.at < this.bytes.length) out.push(this.next());
      return out;
    }
  }

  /** Differences from the forecast, one byte each; those that do not fit come from the plane beside. */
  class Moves {
    constructor(bytes, far) {
      this.bytes = bytes;
      this.far = new Numbers(far);
      this.at = 0;
    }

    next() {
      if (this.at >= this.bytes.length) throw new Damaged("a plane ends too early");
      const byte = this.bytes[this.at++];
      if (byte === ESCAPE) return this.far.next();
      return byte > 127 ? byte - 256 : byte;
    }
  }

  async function inflate(bytes) {
    if (typeof DecompressionStream === "undefined") {
      throw new Error("This browser is too old to unpack the recording (it has no DecompressionStream).");
    }
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  async function unseal(bytes) {
    const begin = MAGIC.length + 4;
    if (bytes.length < begin || new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC) {
      throw new Damaged("these bytes are no recording of frames");
    }
    const end = begin + new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(begin, end)));
    const flat = await inflate(bytes.subarray(end));
    const planes = {};
    let at = 0;
    for (const [name, length] of header.planes) {
      planes[name] = flat.subarray(at, at + length);
      at += length;
    }
    if (at !== flat.length) throw new Damaged("its planes do not fill it");
    return { header, planes };
  }

  /** The living of one population from frame to frame, ordered by id. */
  class Colony {
    constructor(header, told, planes) {
      this.header = header;
      this.wraps = header.space.kind === "torus";
      this.extent = header.space.extent;
      for (const name of ["births", "deaths", "gone", "ids", "place_x", "place_y"]) {
        this[name] = new Numbers(planes[name]);
      }
      this.kept = told.columns.filter((c) => c.kept === "frame").map((c) => ({ ...c, bytes: planes[`${c.name}.bits`] }));
      this.held = told.columns.filter((c) => c.kept !== "frame").map((c) => ({
        ...c,
        born: new Numbers(planes[`${c.name}.born`]),
        sampled: c.kept === "sampled" ? new Numbers(planes[`${c.name}.sampled`]) : null,
      }));
      this.contexts = new Map();
      for (const [number, goesOn] of told.contexts) {
        const read = (axis) => new Moves(planes[`${axis}${number}`], planes[`${axis}${number}.far`]);
        this.contexts.set(number, { goesOn, x: read("x"), y: read("y") });
      }
      this.nSeen = 0;
      this.newestId = 0;
      this.frame = 0;
      this.body = this.room(0);
    }

    room(n) {
      const body = { n, id: new Int32Array(n), x: new Uint16Array(n), y: new Uint16Array(n), did: new Uint8Array(n) };
      body.dx = new Int16Array(n);
      body.dy = new Int16Array(n);
      body.heading = new Int16Array(n); // 1/256 turn; -1 where it never moved
      body.held = this.held.map(() => new Int32Array(n));
      return body;
    }

    /** Reads one frame further: {n, id, x, y, heading, columns}. */
    step() {
      const old = this.body;
      const nBorn = this.births.next();
      const gone = new Set();
      for (let k = this.deaths.next(); k > 0; k--) gone.add(this.gone.next());
      const n = old.n - gone.size + nBorn;
      if (!(n >= 0)) throw new Damaged("its counts do not agree");
      const body = this.room(n);
      const newborn = [];
      for (let k = 0; k < nBorn; k++) {
        this.newestId += this.ids.next();
        newborn.push(this.newestId);
      }
      const kept = this.kept.map((column) => this.bits(column, n));
      const acts = kept.length ? kept[0] : new Uint8Array(n);
      const samples = this.frame % this.header.sampled_every === 0;
      const births = [];
      let b = 0;
      let o = 0;
      for (let i = 0; i < n; i++) {
        while (o < old.n && gone.has(o)) o++;
        if (b < nBorn && (o >= old.n || newborn[b] < old.id[o])) {
          body.id[i] = newborn[b++];
          births.push(i);
        } else {
          this.carry(old, o++, body, i, acts[i]);
          if (samples) this.held.forEach((c, k) => c.sampled && (body.held[k][i] += c.sampled.next()));
        }
        body.did[i] = acts[i];
      }
      for (const i of births) {
        body.x[i] = this.place_x.next();
        body.y[i] = this.place_y.next();
        body.heading[i] = -1;
        this.held.forEach((c, k) => (body.held[k][i] = c.born.next()));
      }
      this.nSeen += n;
      this.frame += 1;
      this.body = body;
      const columns = {};
      this.kept.forEach((c, k) => (columns[c.name] = real(c, kept[k])));
      this.held.forEach((c, k) => (columns[c.name] = real(c, body.held[k])));
      return { n, id: body.id, x: body.x, y: body.y, heading: body.heading, columns };
    }

    /** A body that lives on: row `o` of the old frame becomes row `i` of the new one. */
    carry(old, o, body, i, act) {
      const context = this.contexts.get(this.kept.length ? old.did[o] * FEW + act : 0);
      if (!context) throw new Damaged("an act has no planes");
      const dx = this.turn((context.goesOn ? old.dx[o] : 0) + context.x.next(), this.extent[0]);
      const dy = this.turn((context.goesOn ? old.dy[o] : 0) + context.y.next(), this.extent[1]);
      body.id[i] = old.id[o];
      body.dx[i] = dx;
      body.dy[i] = dy;
      body.x[i] = this.wraps ? (old.x[o] + dx + this.extent[0]) % this.extent[0] : old.x[o] + dx;
      body.y[i] = this.wraps ? (old.y[o] + dy + this.extent[1]) % this.extent[1] : old.y[o] + dy;
      body.heading[i] = dx || dy ? Math.round((Math.atan2(dy, dx) / (2 * Math.PI)) * 256) & 255 : old.heading[o];
      for (let k = 0; k < body.held.length; k++) body.held[k][i] = old.held[k][o];
    }

    /** A difference along an axis: on a torus the shortest way round. */
    turn(d, extent) {
      const half = Math.floor(extent / 2);
      return this.wraps ? ((((d + half) % extent) + extent) % extent) - half : d;
    }

    bits(column, n) {
      const out = new Uint8Array(n);
      let at = this.nSeen * column.bits;
      if (at + n * column.bits > column.bytes.length * 8) throw new Damaged("a column ends too early");
      for (let i = 0; i < n; i++) {
        for (let k = 0; k < column.bits; k++, at++) out[i] |= ((column.bytes[at >> 3] >> (at & 7)) & 1) << k;
      }
      return out;
    }
  }

  /** What the whole numbers of a column stand for. */
  function real({ low_and_step: scale }, values) {
    return scale ? Float32Array.from(values, (k) => scale[0] + scale[1] * k) : values;
  }

  function running(numbers) {
    let sum = 0;
    return numbers.map((d) => (sum += d));
  }

  function readFields(header, planes) {
    return header.fields.map((field) => {
      const size = field.width * field.height;
      const levels = planes[`field ${field.name}`].slice();
      if (levels.length !== size * field.n) throw new Damaged("a field is cut off");
      for (let k = size; k < levels.length; k++) levels[k] += levels[k - size]; // modulo 256, as it was written
      const ticks = running(new Numbers(planes[`field ticks ${field.name}`]).all());
      const at = (tick) => Math.max(0, ticks.findLastIndex((t) => t <= tick)) * size;
      return { ...field, at: (tick) => (field.n ? levels.subarray(at(tick), at(tick) + size) : null) };
    });
  }

  function readImages(header, planes) {
    return header.images.map((image) => {
      const size = image.height * image.width * image.channels;
      const bytes = planes[`image ${image.name}`].slice();
      if (bytes.length !== size * header.n_frames) throw new Damaged("a picture is cut off");
      for (let k = size; k < bytes.length; k++) bytes[k] += bytes[k - size];
      return { ...image, at: (t) => bytes.subarray(t * size, (t + 1) * size) };
    });
  }

  function readGraphs(header, planes) {
    return header.graphs.map((graph) => {
      const [counts, from, to] = ["", ".source", ".target"].map((end) => new Numbers(planes[`graph ${graph.name}${end}`]).all());
      const source = running(from);
      const begins = [0, ...running(counts)];
      const ends = (t) => {
        const out = new Int32Array(2 * counts[t]);
        for (let k = 0, row = begins[t]; row < begins[t + 1]; row++) [out[k++], out[k++]] = [source[row], source[row] + to[row]];
        return out;
      };
      if (counts.length !== header.n_frames || source.length !== begins.at(-1)) throw new Damaged("a graph is cut off");
      return { ...graph, at: ends };
    });
  }

  function readCurves(header, planes) {
    return header.curves.map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const bytes = planes[`curve ${name}`];
      if (bytes.length !== 4 * size * header.n_frames) throw new Damaged("a curve is cut off");
      const values = new Float32Array(bytes.slice().buffer);
      return { name, shape, at: (t) => values.subarray(t * size, (t + 1) * size) };
    });
  }

  /** Places on a plane, from steps. */
  function placed(points, [left, top, right, bottom]) {
    const real = (steps, low, high) => Float32Array.from(steps, (step) => low + ((high - low) * step) / (EXTENT - 1));
    return { ...points, x: real(points.x, left, right), y: real(points.y, top, bottom) };
  }

  /** The planes of population k, under their own names. */
  function own(planes, k) {
    const mine = Object.entries(planes).filter(([name]) => name.startsWith(`${k} `));
    return Object.fromEntries(mine.map(([name, bytes]) => [name.slice(`${k} `.length), bytes]));
  }

  function asSource({ header, planes }) {
    const [curves, images, graphs, fields] = [readCurves, readImages, readGraphs, readFields].map((f) => f(header, planes));
    const ticks = running(new Numbers(planes.ticks).all());
    const colonies = header.populations.map((told, k) => new Colony(header, told, own(planes, k)));
    const scales = Object.fromEntries(fields.map((field) => [field.name, field.scale]));
    const at = (list, when) => Object.fromEntries(list.map((one) => [one.name, one.at(when)]));
    const read = [];
    let broken = null;
    const readNext = () => {
      const tick = ticks[read.length];
      const steps = colonies.map((colony) => colony.step());
      const populations = header.bounds ? steps.map((points) => placed(points, header.bounds)) : steps;
      const frame = { tick, populations, scales, fields: at(fields, tick) };
      for (const [name, list] of Object.entries({ curves, images, graphs })) frame[name] = at(list, read.length);
      read.push(frame);
    };
    const { title, says = "", space, n_frames, sampled_every, series } = header;
    const { populations, curves: vectors, images: pictures, graphs: bonds, fields: grids } = header;
    const shown = { populations, curves: vectors, images: pictures, graphs: bonds, fields: grids };
    const meta = { title, says, space, n_frames, sampled_every, series, ticks, bounds: header.bounds, ...shown };
    if (ticks.length !== header.n_frames) throw new Damaged("its counts do not agree");
    return {
      meta: () => meta,
      frame(t) {
        if (broken) throw broken; // what follows a torn frame would be noise
        try {
          while (read.length <= t) readNext();
        } catch (error) {
          broken = sentence(error);
          throw broken;
        }
        return read[t];
      },
    };
  }

  function sentence(error) {
    const why = error instanceof Damaged ? error.message : "it is torn or was changed";
    return new Error(`This recording cannot be shown: its data are damaged (${why}).`);
  }

  /** A packed recording as a source. Rejects with a sentence that a person can read. */
  mesocosm.openFrames = async (bytes) => {
    try {
      return asSource(await unseal(bytes));
    } catch (error) {
      if (error.message.startsWith("This browser")) throw error;
      throw sentence(error);
    }
  };

  /** The same from base64 text, as it stands in a page. */
  mesocosm.openText = async (text) => {
    let binary;
    try {
      binary = atob(text.trim());
    } catch {
      throw new Error("This recording cannot be shown: its data are damaged (its text is cut off).");
    }
    return mesocosm.openFrames(Uint8Array.from(binary, (letter) => letter.charCodeAt(0)));
  };
})((globalThis.mesocosm ??= {}));
