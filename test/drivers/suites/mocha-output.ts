/** From the events of one mocha file to its cases. */
import type { MochaEvent } from './mocha-cases.js';
import type { Seen } from './suite.js';

type Hook = Extract<MochaEvent, { event: 'hook' }>;

export class MochaOutput {
  readonly #known: string[] = [];
  readonly #ends: Seen[] = [];
  readonly #hooks: Hook[] = [];
  #running = '';

  /** One event; true when a case started or ended by it. */
  read(event: MochaEvent): boolean {
    switch (event.event) {
      case 'case':
        this.#known.push(event.name);
        return false;
      case 'start':
        this.#running = event.name;
        return true;
      case 'end':
        this.#ends.push({ name: event.name, status: event.status, said: event.said });
        return true;
      case 'hook':
        this.#hooks.push(event);
        return true;
    }
  }

  /** @param end why cases without an end have none, where no hook of theirs failed */
  cases(end: string): readonly Seen[] {
    const left = [...this.#ends];
    const seen = this.#known.map((name): Seen => {
      const at = left.findIndex((each) => each.name === name);
      const [found] = at < 0 ? [] : left.splice(at, 1);
      if (found !== undefined) return found;
      const hook = this.#hooks.find(({ group }) => name.startsWith(group));
      if (hook !== undefined && name !== this.#running) {
        return { name, status: 'fail', said: `its ${hook.name} failed: ${hook.said}` };
      }
      return { name, status: 'fail', said: name === this.#running ? end : `not reached: ${end}` };
    });
    // What tidies up after a group may fail though every case of it has ended.
    const own = this.#hooks.filter(({ name }) => name.startsWith('"after'));
    return [
      ...seen,
      ...own.map(({ group, name, said }): Seen => ({
        name: `${group} ${name}`,
        status: 'fail',
        said,
      })),
    ];
  }

  get count(): number {
    return this.#known.length;
  }
}
