/**
 * The one error class of the project and the maker of each room's error table.
 * A room writes a table: code -> facts -> wording; the table is the documentation.
 * @module
 */

/** What a wording function may return: the message alone, or with advice. */
export type Wording = string | { readonly message: string; readonly hint?: string | undefined };

/** Where in a text an error stands; 1-based line numbers, `snippet` is ready to print. */
export interface ErrorPlace {
  readonly file?: string;
  readonly line?: number;
  readonly snippet?: string;
}

export interface ErrorExtras {
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  readonly place?: ErrorPlace | undefined;
}

/** An error with a code, the facts behind it, and advice. Message: "what, where, got X, want Y", lower case. */
export class DobosError extends Error {
  override readonly name = 'DobosError';
  readonly code: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly hint: string | undefined;
  readonly place: ErrorPlace | undefined;

  constructor(
    code: string,
    message: string,
    facts: Readonly<Record<string, unknown>>,
    extras: ErrorExtras = {},
  ) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.code = code;
    this.facts = facts;
    this.hint = extras.hint;
    this.place = extras.place;
  }
}

type FactsTable = { readonly [code: string]: object };
type ErrorTable<T extends FactsTable> = { readonly [K in keyof T]: (facts: T[K]) => Wording };
/** Makes errors of one room; throw what it returns. */
export type ErrorMaker<T extends FactsTable> = <K extends keyof T & string>(
  code: K,
  facts: T[K],
  extras?: ErrorExtras,
) => DobosError;

type AnyTable = Readonly<Record<string, (facts: never) => Wording>>;
const tables: AnyTable[] = [];

/** The tables of every room that is loaded: what the list of errors in docs/ is made from. */
export const errorTables = (): readonly AnyTable[] => tables;

/** The maker of a room's errors, from its table of wordings. */
export function errorMaker<T extends FactsTable>(table: ErrorTable<T>): ErrorMaker<T> {
  tables.push(table);
  return (code, facts, extras = {}) => {
    const wording = table[code](facts);
    const message = typeof wording === 'string' ? wording : wording.message;
    const hint = extras.hint ?? (typeof wording === 'string' ? undefined : wording.hint);
    return new DobosError(code, message, { ...(facts as Record<string, unknown>) }, { ...extras, hint });
  };
}

/** True if `error` is a Dobos error, of that code when one is given; also across copies of the package. */
export function isDobosError(error: unknown, code?: string): error is DobosError {
  return (
    error instanceof Error &&
    error.name === 'DobosError' &&
    (code === undefined || (error as DobosError).code === code)
  );
}

/** The code of a system error (`ENOENT`, `EEXIST` …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** An error as plain data, to cross a thread or process boundary; `reviveError` is the way back. */
export interface PlainError {
  readonly code?: string | undefined;
  readonly message: string;
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
  readonly hint?: string | undefined;
  readonly place?: ErrorPlace | undefined;
  readonly stack?: string | undefined;
}

export function plainError(error: unknown): PlainError {
  if (isDobosError(error)) {
    const { code, message, facts, hint, place, stack } = error;
    return { code, message, facts, hint, place, stack };
  }
  if (error instanceof Error) return { code: systemCode(error), message: error.message, stack: error.stack };
  return { message: String(error) };
}

export function reviveError(plain: PlainError): Error {
  if (plain.code !== undefined && plain.facts !== undefined) {
    return new DobosError(plain.code, plain.message, plain.facts, { hint: plain.hint, place: plain.place });
  }
  const error = new Error(plain.message);
  return plain.code === undefined ? error : Object.assign(error, { code: plain.code });
}

/** Ends a switch over a union: does not compile while a kind is unanswered. */
export function never(value: never): never {
  throw new TypeError(`unexpected value ${JSON.stringify(value)}`);
}
