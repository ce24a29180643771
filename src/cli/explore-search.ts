import type { OpenSource } from '../app/explore.ts';
import { compilePathGlob } from '../explore/path-glob.ts';
import { type FoundPath, findPaths, grepFiles } from '../explore/search-image.ts';
import { safeJson, safeText } from './build-view/safe-text.ts';
import { cliError } from './errors.ts';
import { writeOutputFile } from './output-file.ts';
import { flagOption, type OptionSpec, type OptionValues, textOption } from './spec.ts';
import type { Terminal } from './terminal.ts';

export const SEARCH_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--find <glob>',
    summary: 'list the files of every layer, hidden ones too, that match: *.key, /etc/**/*.conf',
  },
  {
    flags: '--grep <text>',
    summary: 'print the lines of files of every layer, hidden ones too, that hold the text',
  },
  { flags: '-i, --ignore-case', summary: 'with --grep: A is a' },
];

/** True if these options ask for a search. */
export const isSearch = (options: OptionValues): boolean =>
  textOption(options, 'find') !== undefined || textOption(options, 'grep') !== undefined;

/** Prints what was found, a line each, or as a JSON object a line, into a file if one is named; 0 if there was something, 1 if not, as grep. @throws CLI_USAGE, FILE_UNWRITABLE */
export async function searchSource(
  { exploration, store }: OpenSource,
  terminal: Terminal,
  options: OptionValues,
  /** `json`: the file, or `-`, for a JSON object a line. */
  o: { readonly json: string | undefined; readonly signal: AbortSignal },
): Promise<number> {
  const pattern = textOption(options, 'find') ?? '**';
  const matches = compilePathGlob(pattern);
  const wrong = (problem: string): Error => cliError('CLI_USAGE', { command: 'explore', problem });
  if (matches === undefined) throw wrong(`--find ${JSON.stringify(pattern)} is no pattern`);
  const text = textOption(options, 'grep');
  if (text === '' || text?.includes('\n') === true) throw wrong('--grep wants a text of one line');
  const lines: string[] = [];
  const print = async (row: () => object, line: string): Promise<void> => {
    if (o.json === undefined) await terminal.out(`${line}\n`);
    else if (o.json === '-') await terminal.out(`${safeJson(row())}\n`);
    else lines.push(`${JSON.stringify(row())}\n`);
  };
  let count = 0;
  const found = findPaths(exploration, matches);
  if (text === undefined) {
    for (const file of found) {
      o.signal.throwIfAborted();
      count++;
      await print(() => jsonOf(file), whereOf(file));
    }
  } else {
    const how = { ignoreCase: flagOption(options, 'ignoreCase'), signal: o.signal };
    const tell = async ({ line, text: shown, ...file }: Parameters<Parameters<typeof grepFiles>[4]>[0]) => {
      count++;
      const place = line === undefined ? ' is no text, and holds it' : `:${line}: ${safeText(shown)}`;
      const row = () => (line === undefined ? jsonOf(file) : { ...jsonOf(file), line, text: shown });
      await print(row, whereOf(file, place));
    };
    await grepFiles(exploration, store, found, text, tell, how);
  }
  if (o.json !== undefined && o.json !== '-') writeOutputFile(o.json, lines.join(''));
  return count > 0 ? 0 : 1;
}

function jsonOf({ path, kind, size, layer, hidden }: FoundPath): object {
  const state =
    hidden === undefined ? {} : { hidden: true, ...(hidden.by === undefined ? {} : { hiddenBy: hidden.by }) };
  return { path: `/${path}`, type: kind, size, layer, ...state };
}

function whereOf({ path, layer, hidden }: FoundPath, behind = ''): string {
  const by = hidden?.by === undefined ? '' : `  (hidden by layer ${hidden.by})`;
  const mark = hidden === undefined ? ' ' : '◌';
  return `${String(layer).padStart(3)} ${mark} /${safeText(path)}${behind}${by}`;
}
