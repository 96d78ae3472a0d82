/* A slider for one parameter: in its unit and range, logarithmic where it spans decades; its default is marked, and what
 * differs from it is coloured. */
"use strict";

((mesocosm) => {
  const { make, plain } = mesocosm;
  const STEPS = 1000;
  const DECADES = 1000; // highest over lowest step, from which on a scale is logarithmic
  const WAITS_MS = 500; // until a value that is moved by keys is taken for the one that is meant

  /** From values to 0 ... 1 and back. */
  mesocosm.scaleOf = ({ low, high, whole }) => {
    const knee = whole ? 1 : (high - low) / 1000;
    const isLog = low >= 0 && (high - low) / knee >= DECADES && !(whole && high - low < 2 * DECADES);
    const clip = (share) => Math.max(0, Math.min(1, share));
    if (!isLog) return { isLog, share: (value) => clip((value - low) / (high - low || 1)), value: (share) => low + share * (high - low) };
    const most = Math.log1p((high - low) / knee);
    return { isLog, share: (value) => clip(Math.log1p(Math.max(0, value - low) / knee) / most), value: (share) => low + knee * Math.expm1(share * most) };
  };

  class Slider {
    /** `meant` is told a value once the slider is let go, or the number is entered. */
    constructor(parameter, name, meant) {
      Object.assign(this, { parameter, scale: mesocosm.scaleOf(parameter) });
      const { field, low, high, unit, whole, says } = parameter;
      const told = `${unit ? `${unit}, ` : ""}${plain(low)} to ${plain(high)}${this.scale.isLog ? " (logarithmic)" : ""}; default ${plain(parameter.default)}`;
      this.bar = make("input", { type: "range", min: 0, max: STEPS, step: 1, "aria-label": `${field}, slider` });
      this.box = make("input", { type: "number", min: low, max: high, step: whole ? 1 : "any", "aria-label": field });
      this.home = make("button", { type: "button", class: "default", title: `back to the default, ${plain(parameter.default)}`, "aria-label": `${field} back to its default`, hidden: "" }, "↺");
      this.item = make("li", { class: "slider", "data-field": field, title: `${says}${says ? "\n" : ""}${told}` },
        make("span", { class: "name" }, name.replaceAll("_", " ")), make("span", { class: "unit" }, unit), make("span", { class: "track" }, this.bar), this.box, this.home);
      this.item.style.setProperty("--default", this.scale.share(parameter.default));
      let waits;
      const mean = (value) => {
        clearTimeout(waits);
        meant(value);
      };
      this.bar.addEventListener("input", () => this.fill(this.picked));
      this.bar.addEventListener("change", () => {
        clearTimeout(waits);
        waits = setTimeout(() => mean(this.picked), WAITS_MS);
      });
      this.box.addEventListener("change", () => this.box.value !== "" && mean(Number(this.box.value)));
      this.home.addEventListener("click", () => mean(parameter.default));
    }

    get picked() {
      const value = this.scale.value(this.bar.value / STEPS);
      return this.parameter.whole ? Math.round(value) : Number(value.toPrecision(3));
    }

    fill(value) {
      this.box.value = value;
      this.bar.setAttribute("aria-valuetext", `${plain(value)} ${this.parameter.unit}`.trim());
      const isOther = value !== this.parameter.default;
      this.item.classList.toggle("other", isOther);
      this.home.hidden = !isOther;
    }

    /** The value that is in force. */
    show(value) {
      this.bar.value = Math.round(STEPS * this.scale.share(value));
      this.fill(value);
    }
  }

  mesocosm.Slider = Slider;
})((globalThis.mesocosm ??= {}));
