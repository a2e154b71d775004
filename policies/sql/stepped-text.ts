/**
 * A text written in many pieces, in steps. A million pieces in one rope would be walked by the collector again and
 * again, up to 50 ms at a time: what a step has written is made one text at its end.
 */
export class SteppedText {
  #step = '';
  readonly #ended: string[] = [];
  #endedLength = 0;

  add(piece: string): void {
    this.#step += piece;
  }

  get isEmpty(): boolean {
    return this.#step === '' && this.#endedLength === 0;
  }

  get length(): number {
    return this.#endedLength + this.#step.length;
  }

  endStep(): void {
    // Reading a character makes one text of the pieces.
    this.#step.charCodeAt(0);
    this.#ended.push(this.#step);
    this.#endedLength += this.#step.length;
    this.#step = '';
  }

  text(): string {
    return this.#ended.length === 0 ? this.#step : this.#ended.join('') + this.#step;
  }
}
