/** A verb that ended badly, with the exit code that scripts rely on: 1 refused or failed, 2 wrong usage. */
export class VerbError extends Error {
  override readonly name = 'VerbError';
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
