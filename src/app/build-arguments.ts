import { readBounded } from '../base/bounded-file.ts';
import { errorMaker, systemCode } from '../base/errors.ts';

type ArgumentErrors = { BUILD_ARG_FILE: { path: string; problem: string } };
const argumentError = errorMaker<ArgumentErrors>({
  BUILD_ARG_FILE: ({ path, problem }) => ({
    message: `--build-arg-file ${path}: ${problem}`,
    hint: 'want a file with a NAME=VALUE on each line, and comments after #',
  }),
});

/** Bytes; arguments of a build are short, and a file that is larger is another. */
const MAX_FILE_BYTES = 1024 * 1024;
/** Predefined proxy arguments, in both cases (build.md a.5): taken from the surroundings. */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

export interface GivenArguments {
  /** `NAME=value`, or `NAME` for the caller's own value. */
  readonly buildArgs: readonly string[];
  /** Files with a line for each; what `buildArgs` says wins. */
  readonly buildArgFiles?: readonly string[] | undefined;
}

/** The values of a build's arguments by name, the machine's proxies among them; a name alone that the caller has no value for is left out. @throws BUILD_ARG_FILE */
export function readBuildArguments(
  { buildArgs, buildArgFiles = [] }: GivenArguments,
  environment: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const values = new Map<string, string>();
  for (const name of PROXIES.flatMap((proxy) => [proxy, proxy.toLowerCase()])) {
    const value = environment[name];
    if (value !== undefined && value !== '') values.set(name, value);
  }
  for (const text of [...buildArgFiles.flatMap(readArgumentFile), ...buildArgs]) {
    const [name, value] = splitPair(text);
    const known = text.includes('=') ? value : environment[name];
    if (known !== undefined) values.set(name, known);
  }
  return values;
}

/** `name=value` cut at its first `=`; a name alone has an empty value. */
export function splitPair(text: string): readonly [name: string, value: string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** The lines that are neither blank nor comments, as buildah reads them. */
function readArgumentFile(path: string): string[] {
  const lines = readText(path)
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  return lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
}

function readText(path: string): string {
  try {
    const bytes = readBounded(path, MAX_FILE_BYTES);
    if ('why' in bytes) throw argumentError('BUILD_ARG_FILE', { path, problem: bytes.why });
    return bytes.toString('utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || code.startsWith('BUILD_')) throw error;
    const problem = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw argumentError('BUILD_ARG_FILE', { path, problem }, { cause: error });
  }
}
