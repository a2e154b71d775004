/** One field that the API refused. */
export interface RefusedField {
  readonly field: string;
  readonly rule: string;
  readonly wayOut: string;
}

/** A verb that ended badly, with the exit code that scripts rely on: 1 refused or failed, 2 wrong usage. */
export class VerbError extends Error {
  override readonly name = 'VerbError';
  readonly exitCode: 1 | 2;
  /** What the API said of single fields; the message has them too. */
  readonly fields: readonly RefusedField[];

  constructor(message: string, exitCode: 1 | 2 = 1, fields: readonly RefusedField[] = []) {
    super(message);
    this.exitCode = exitCode;
    this.fields = fields;
  }
}
