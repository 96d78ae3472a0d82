/* What is drawn beside the bodies themselves: bonds between points, rings around sources, relatives and whoever is chosen,
 * the ways of bodies. */
"use strict";

((mesocosm) => {
  class Marks {
    /** Lines between points; on a torus the short way round, from both ends. */
    drawBonds({ name, source, target }, frame, theme) {
      const ends = frame.graphs?.[name];
      if (!ends?.length) return;
      const { context, pixel } = this;
      const rows = [source, target].map((k) => new Map([...frame.populations[k].id].map((id, row) => [id, row])));
      const [from, to] = [frame.populations[source], frame.populations[target]];
      context.beginPath();
      for (let k = 0; k < ends.length; k += 2) {
        const [a, b] = [rows[0].get(ends[k]), rows[1].get(ends[k + 1])];
        if (a === undefined || b === undefined) continue;
        const [x, y] = [this.across(from.x[a]), this.down(from.y[a])];
        const [u, v] = [this.across(to.x[b]), this.down(to.y[b])];
        const dx = this.wraps ? this.away(to.x[b] - from.x[a], this.extent[0]) * this.scale : u - x;
        const dy = this.wraps ? this.away(to.y[b] - from.y[a], this.extent[1]) * this.scale : v - y;
        context.moveTo(x, y);
        context.lineTo(x + dx, y + dy);
        if (Math.abs(x + dx - u) + Math.abs(y + dy - v) < 1) continue;
        context.moveTo(u - dx, v - dy);
        context.lineTo(u, v);
      }
      context.strokeStyle = theme.soft;
      context.globalAlpha = 0.75;
      context.lineWidth = 1.2 * pixel;
      context.stroke();
      context.globalAlpha = 1;
    }

    drawRings(points, theme) {
      const { context, pixel } = this;
      for (let k = 0; k < points.x.length; k++) {
        const [x, y] = [this.across(points.x[k]), this.down(points.y[k])];
        for (const [radius, width] of [[9, 1.25], [13, 0.75]]) {
          context.beginPath();
          context.arc(x, y, radius * pixel, 0, 2 * Math.PI);
          context.strokeStyle = theme.ink;
          context.globalAlpha = 0.8;
          context.lineWidth = width * pixel;
          context.setLineDash(radius === 13 ? [2.5 * pixel, 3.3 * pixel] : []);
          context.stroke();
        }
        context.setLineDash([]);
        context.globalAlpha = 1;
      }
    }

    /** A thin ring around each relative of the one that is chosen; a second one around parent and children. */
    drawKin(frame, { ids, near }, theme) {
      const { context, pixel } = this;
      context.beginPath();
      for (let i = 0; i < frame.n; i++) {
        const id = frame.id[i];
        if (!ids.has(id) && !near.has(id)) continue;
        const [x, y] = [this.across(frame.x[i]), this.down(frame.y[i])];
        for (const radius of near.has(id) ? [6, 9] : [6]) {
          context.moveTo(x + radius * pixel, y);
          context.arc(x, y, radius * pixel, 0, 2 * Math.PI);
        }
      }
      context.strokeStyle = theme.accent;
      context.globalAlpha = 0.55;
      context.lineWidth = pixel;
      context.stroke();
      context.globalAlpha = 1;
    }

    /** The way of one body, oldest place first: unrolled from the torus, then drawn at each of its images. */
    drawTrail(trail, theme) {
      const { context, size, tall } = this;
      const turn = this.wraps ? (d, extent) => this.away(d, extent) : (d) => d;
      const up = this.meta.plane ? -1 : 1;
      const last = trail.at(-1);
      const points = [[this.across(last.x), this.down(last.y)]];
      for (let k = trail.length - 2; k >= 0; k--) {
        const [x, y] = points.at(-1);
        const dx = turn(trail[k].x - trail[k + 1].x, this.extent[0]) * this.scale;
        const dy = turn(trail[k].y - trail[k + 1].y, this.extent[1]) * this.scale * up;
        points.push([x + dx, y + dy]);
      }
      points.reverse();
      const images = (extent) => (this.wraps ? [-extent * this.scale, 0, extent * this.scale] : [0]);
      context.lineWidth = 1.5 * this.pixel;
      context.lineJoin = context.lineCap = "round";
      for (const across of images(this.extent[0])) {
        for (const down of images(this.extent[1])) {
          const seen = points.some(([x, y]) => x + across > 0 && x + across < size && y + down > 0 && y + down < tall);
          if (seen) this.drawFading(points, across, down, theme);
        }
      }
      context.globalAlpha = 1;
    }

    drawFading(points, across, down, theme) {
      const pieces = Math.min(24, points.length - 1);
      const [old, young] = [theme.rgb(theme.classes[0]), theme.rgb(theme.accent)];
      const length = Math.ceil((points.length - 1) / pieces);
      for (let from = 0, k = 0; from < points.length - 1; from += length, k++) {
        const share = (k + 1) / pieces;
        this.context.globalAlpha = 0.2 + 0.75 * share;
        this.context.strokeStyle = `rgb(${old.map((part, i) => Math.round(part + share * (young[i] - part))).join(" ")})`;
        this.context.beginPath();
        points.slice(from, from + length + 1).forEach(([x, y]) => this.context.lineTo(x + across, y + down));
        this.context.stroke();
      }
    }

    drawRing(frame, i, theme) {
      const { context, pixel } = this;
      const [x, y] = [this.across(frame.x[i]), this.down(frame.y[i])];
      for (const [style, width] of [[theme.ground, 4.5], [theme.accent, 2.25]]) {
        context.beginPath();
        context.arc(x, y, Math.max(8 * pixel, this.bodySize(frame.n) * 2.6), 0, 2 * Math.PI);
        context.strokeStyle = style;
        context.lineWidth = width * pixel;
        context.stroke();
      }
    }
  }

  const { constructor: _, ...methods } = Object.getOwnPropertyDescriptors(Marks.prototype);
  Object.defineProperties(mesocosm.View.prototype, methods);
})((globalThis.mesocosm ??= {}));
