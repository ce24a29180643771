import { isDobosError } from '../base/errors.ts';
import { FORBIDDEN, readBoundedFile } from './bounded-file.ts';
import { jsonMistake } from './edit-json.ts';
import { endpointError } from './endpoint-errors.ts';
import { MAX_RULES_BYTES } from './rules-file.ts';

/** What Docker's `daemon.json` says of registries. */
export interface DockerRules {
  /** URLs without a slash at the end; for Docker Hub only. */
  readonly mirrors: readonly string[];
  /** Hosts, with port if any, and ranges of addresses (`10.0.0.0/8`). */
  readonly insecure: readonly string[];
}

/** The rules of `daemon.json` in each of the folders, together. @throws REGISTRY_SETTINGS_FILE */
export function readDockerRules(folders: readonly string[]): DockerRules {
  const found = folders.map((folder) => readDaemonFile(`${folder}/daemon.json`));
  return {
    mirrors: [...new Set(found.flatMap(({ mirrors }) => mirrors))],
    insecure: [...new Set(found.flatMap(({ insecure }) => insecure))],
  };
}

function readDaemonFile(file: string): DockerRules {
  const problem = (why: string, line?: number): Error =>
    endpointError('REGISTRY_SETTINGS_FILE', { file, why, line });
  let text: string | undefined;
  try {
    text = readBoundedFile(file, MAX_RULES_BYTES, problem);
  } catch (error) {
    // The daemon's own file: to whom it is closed, it says nothing. Without it, only mirrors are missed.
    if (isDobosError(error) && error.facts.why === FORBIDDEN) return { mirrors: [], insecure: [] };
    throw error;
  }
  if (text === undefined || text.trim() === '') return { mirrors: [], insecure: [] };
  const line = jsonMistake(text);
  if (line !== undefined) throw problem('it is not JSON', line);
  const root = (JSON.parse(text) ?? {}) as Readonly<Record<string, unknown>>;
  const list = (name: string): readonly string[] => {
    const value = root[name] ?? [];
    if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
    throw problem(`"${name}" is no list of texts`);
  };
  return {
    mirrors: list('registry-mirrors').map((text) => hostUrl(text) ?? fail(problem, text)),
    insecure: list('insecure-registries').map((host) => host.toLowerCase()),
  };
}

/** Docker takes no path in a mirror's URL. */
function hostUrl(text: string): string | undefined {
  const url = mirrorUrl(text);
  return url === undefined || new URL(url).pathname !== '/' ? undefined : url;
}

/** The URL without a slash at its end; undefined for what is no plain http or https URL. */
export function mirrorUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function fail(problem: (why: string) => Error, text: string): never {
  throw problem(
    `mirror ${JSON.stringify(text.replace(/\/\/[^/]*@/, '//***@'))} is no http or https URL of a host`,
  );
}
