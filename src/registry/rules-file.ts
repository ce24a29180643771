import { readBoundedFile } from './bounded-file.ts';
import { endpointError } from './endpoint-errors.ts';

/** Lists of mirrors and short names take some ten KiB. */
export const MAX_RULES_BYTES = 1024 * 1024;

export type Table = Readonly<Record<string, unknown>>;

/**
 * A TOML file as plain values; undefined when there is none, or when no line of it matches `needed` (the parser is not loaded then).
 * @throws REGISTRY_SETTINGS_FILE with the line of a mistake
 */
export async function readTomlFile(file: string, needed: RegExp): Promise<Table | undefined> {
  const text = readBoundedFile(file, MAX_RULES_BYTES, (why) =>
    endpointError('REGISTRY_SETTINGS_FILE', { file, why }),
  );
  if (text === undefined || !needed.test(text)) return undefined;
  const { parse, TomlError } = await import('smol-toml');
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const why = error.message.split('\n', 1)[0]!.replace(/^Invalid TOML document: /, '');
    throw endpointError('REGISTRY_SETTINGS_FILE', { file, why, line: error.line });
  }
}

/** Reads fields of a table with their types, and says what is wrong with them by file and name. */
export function fieldsOf(file: string, where: string, table: unknown): Fields {
  const wrong = (what: string): Error =>
    endpointError('REGISTRY_SETTINGS_FILE', { file, why: `${where}${what}` });
  if (typeof table !== 'object' || table === null || Array.isArray(table)) throw wrong(' is no table');
  const values = table as Table;
  const typed = <T>(name: string, want: string, fits: (value: unknown) => value is T): T | undefined => {
    const value = values[name];
    if (value === undefined || fits(value)) return value;
    throw wrong(`.${name} must be ${want}`);
  };
  return {
    text: (name) => typed(name, 'a text', (value) => typeof value === 'string'),
    flag: (name) => typed(name, 'true or false', (value) => typeof value === 'boolean') ?? false,
    texts: (name) =>
      typed(
        name,
        'a list of texts',
        (value): value is string[] => Array.isArray(value) && value.every((each) => typeof each === 'string'),
      ),
    tables: (name) =>
      typed(name, 'a list of tables', (value): value is unknown[] => Array.isArray(value)) ?? [],
    wrong,
  };
}

export interface Fields {
  text(name: string): string | undefined;
  flag(name: string): boolean;
  texts(name: string): readonly string[] | undefined;
  tables(name: string): readonly unknown[];
  wrong(what: string): Error;
}
