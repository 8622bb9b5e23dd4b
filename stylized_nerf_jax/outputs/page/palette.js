// Which looks are shown, and with what shares.
//
// Two looks lie at the ends of a slider. Choosing another one puts it at the
// end that is farther from the thumb, which then glides there: what is seen
// changes over, and the way stays open to come back to any point of it.

class Palette {
  // looks: names; the first is as photographed. changed: called with weights.
  constructor(looks, changed) {
    this.looks = looks;
    this.changed = changed;
    this.intensity = 1;
    this.ends = [looks[2] ?? looks[0], looks[1] ?? looks[0]];
    this.place = 1;
    this.leftover = null;
  }

  // The look that is nearer.
  get chosen() {
    return this.ends[this.place < 0.5 ? 0 : 1];
  }

  // Weights of all looks, which sum to 1.
  weights() {
    const found = new Map(this.looks.map((name) => [name, 0]));
    const put = (name, share) => found.set(name, found.get(name) + share);
    if (this.mixture) {
      for (const [name, share] of this.mixture) put(name, share);
    } else {
      put(this.ends[0], 1 - this.place);
      put(this.ends[1], this.place);
    }
    // While the thumb glides, what was there goes out.
    if (this.leftover) {
      const { weights, share } = this.leftover;
      for (const name of this.looks) {
        found.set(
          name,
          (1 - share) * found.get(name) + share * (weights.get(name) || 0),
        );
      }
    }
    for (const name of this.looks) {
      found.set(name, found.get(name) * this.intensity);
    }
    put(this.looks[0], 1 - this.intensity);
    return found;
  }

  // Brings a look to an end of the slider. Returns the end, 0 or 1.
  bring(name) {
    this.mixture = null;
    const known = this.ends.indexOf(name);
    if (known >= 0 && this.ends[0] !== this.ends[1]) return known;
    const before = this.full();
    const end = this.place < 0.5 ? 1 : 0;
    this.ends[end] = name;
    this.leftover = { weights: before, share: 1, from: this.place };
    return end;
  }

  // Weights before intensity.
  full() {
    const kept = this.intensity;
    this.intensity = 1;
    const found = this.weights();
    this.intensity = kept;
    return found;
  }

  // Puts the thumb somewhere between the ends.
  slide(place) {
    this.mixture = null;
    this.place = clamp(place, 0, 1);
    if (this.leftover) {
      const end = this.leftover.from < 0.5 ? 1 : 0;
      const way = Math.abs(end - this.leftover.from) || 1;
      this.leftover.share = clamp(Math.abs(end - this.place) / way, 0, 1);
      if (this.leftover.share === 0) this.leftover = null;
    }
    this.changed(this.weights());
  }

  // Lets go of what was there before a glide.
  settle() {
    this.leftover = null;
    this.changed(this.weights());
  }

  // Shows so much of the painting, 0 to 1; the rest is as photographed.
  strength(intensity) {
    this.intensity = clamp(intensity, 0, 1);
    this.changed(this.weights());
  }

  // Shows any mixture: weights by names, divided by their sum.
  set(weights) {
    const pairs = Object.entries(weights);
    for (const [name, share] of pairs) {
      if (!this.looks.includes(name) || !(share >= 0)) {
        throw new Error(
          `${name}: ${share}; expected weights of ${this.looks.join(", ")}`,
        );
      }
    }
    const sum = pairs.reduce((total, [, share]) => total + share, 0);
    if (!(sum > 0)) throw new Error("no look has a weight");
    const shares = pairs.map(([name, share]) => [name, share / sum]);
    const ranked = shares.filter(([, share]) => share > 0);
    ranked.sort((one, other) => other[1] - one[1]);
    this.leftover = null;
    this.intensity = 1;
    // Two looks are a place of the slider; more are beside it.
    this.mixture = ranked.length > 2 ? ranked : null;
    this.ends[1] = ranked[0][0];
    if (ranked.length > 1) this.ends[0] = ranked[1][0];
    if (this.ends[0] === this.ends[1]) {
      this.ends[0] = this.looks.find((name) => name !== this.ends[1]) ??
        this.ends[1];
    }
    this.place = ranked.length === 2 ? ranked[0][1] : 1;
    this.changed(this.weights());
  }
}
