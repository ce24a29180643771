import { readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { errorMaker, isDobosError, systemCode } from '../base/errors.ts';
import type { WatchOptions } from '../base/options.ts';
import type { BuildEvent } from '../build/build-events.ts';
import { buildImage } from '../build/build-image.ts';
import type { BuildGraph } from '../build/graph.ts';
import type { BuildResult } from '../build/run-build.ts';
import { keepUntagged, nameImage } from '../image/name-image.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { App } from './app.ts';
import { fullName } from './image-names.ts';
import { resolveBase } from './resolve-base.ts';

type BuildVerbErrors = {
  BUILD_CONTEXT: { context: string; problem: string };
  BUILD_DOCKERFILE: { path: string; code: string };
  BUILD_CONTEXT_LATER: { context: string };
};
const DOCKERFILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  ENXIO: 'it is no regular file',
  EACCES: 'this user may not',
  ENAMETOOLONG: 'the name is too long',
};
const buildVerbError = errorMaker<BuildVerbErrors>({
  BUILD_CONTEXT: ({ context, problem }) => ({
    message: `the build context "${context}" ${problem}`,
    hint: 'give the folder that holds the Dockerfile: dobos build -t app .',
  }),
  BUILD_DOCKERFILE: ({ path, code }) => ({
    message: `cannot read the Dockerfile ${path}: ${DOCKERFILE_PROBLEMS[code] ?? code}`,
    hint: code === 'EACCES' ? 'change its permissions' : 'name it with -f, or give the folder that holds it',
  }),
  BUILD_CONTEXT_LATER: ({ context }) => ({
    message: `"${context}" as a build context is not part of this version yet`,
    hint: 'a folder on this machine works',
  }),
});

/** Largest Dockerfile that is read, in bytes. */
const MAX_DOCKERFILE_BYTES = 1024 * 1024;

export interface BuildRequest {
  readonly context: string;
  /** Relative to the working directory; `Dockerfile` of the context when absent. */
  readonly dockerfile?: string | undefined;
  readonly tags: readonly string[];
  /** `NAME=value`, or `NAME` for the caller's own value. */
  readonly buildArgs: readonly string[];
  /** `name=value`. */
  readonly labels: readonly string[];
  readonly target?: string | undefined;
  readonly platform?: string | undefined;
  readonly network?: 'default' | 'host' | 'none' | undefined;
  readonly useCache: boolean;
  readonly runtime?: string | undefined;
}

export interface Built extends BuildResult {
  readonly graph: BuildGraph;
  /** Full names that it has now. */
  readonly names: readonly string[];
}

/** Predefined proxy arguments, in both cases (build.md a.5): taken from the surroundings. */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/** Builds an image from a folder and its Dockerfile and names it; without a name it stays as `<none>`. @throws as `buildImage`, and BUILD_CONTEXT, BUILD_DOCKERFILE, OCI_REFERENCE_INVALID before anything runs */
export async function build(app: App, request: BuildRequest, o: WatchOptions<BuildEvent>): Promise<Built> {
  try {
    return await buildAndName(app, request, o);
  } catch (error) {
    if (!isDobosError(error, 'STORE_NOT_FOUND')) throw error;
    // A build that finds everything cached writes nothing, so nothing says that it runs, and a prune beside it may take what it has
    // found and not used yet. Once more then, holding what it finds.
    const lease = await (await app.store()).lease();
    try {
      return await buildAndName(app, request, o);
    } finally {
      await lease.release();
    }
  }
}

async function buildAndName(app: App, request: BuildRequest, o: WatchOptions<BuildEvent>): Promise<Built> {
  const names = request.tags.map(fullName);
  const contextFolder = checkContext(request.context);
  const dockerfilePath = findDockerfile(request.dockerfile, contextFolder);
  const dockerfileText = readDockerfile(dockerfilePath);
  const store = await app.store();
  const { hostPlatform } = app.settings;
  let graph: BuildGraph | undefined;
  const onEvent = (event: BuildEvent): void => {
    if (event.kind === 'planned') graph = event.graph;
    o.onEvent?.(event);
  };
  const result = await buildImage({
    signal: o.signal,
    onEvent,
    store,
    contextFolder,
    dockerfileText,
    dockerfileName: request.dockerfile ?? basename(dockerfilePath),
    dockerfilePath,
    buildArgs: buildArguments(app, request.buildArgs),
    labels: new Map(request.labels.map(splitPair)),
    target: request.target,
    platform: request.platform === undefined ? hostPlatform : parsePlatform(request.platform),
    buildPlatform: hostPlatform,
    network: request.network,
    epoch: app.settings.epoch(),
    useCache: request.useCache,
    resolveBase: (name, platform) => resolveBase(app, name, platform),
    keeper: () => app.keeper(request.runtime),
    now: app.settings.now,
  });
  for (const name of names) await nameImage(store, name, result.image.descriptor);
  if (names.length === 0) await keepUntagged(store, result.image.descriptor);
  return { ...result, names, graph: graph! };
}

/** @throws BUILD_CONTEXT, BUILD_CONTEXT_LATER */
export function checkContext(context: string): string {
  if (context === '-' || /^(https?:|git@|git:|ssh:|github\.com\/)/.test(context)) {
    throw buildVerbError('BUILD_CONTEXT_LATER', { context });
  }
  try {
    if (!statSync(context).isDirectory())
      throw buildVerbError('BUILD_CONTEXT', { context, problem: 'is not a folder' });
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') throw buildVerbError('BUILD_CONTEXT', { context, problem: 'does not exist' });
    if (code === 'EACCES') throw buildVerbError('BUILD_CONTEXT', { context, problem: 'may not be read' });
    if (code === 'ENAMETOOLONG')
      throw buildVerbError('BUILD_CONTEXT', { context, problem: 'is too long a name' });
    throw error;
  }
  return resolve(context);
}

function findDockerfile(given: string | undefined, contextFolder: string): string {
  if (given === '-') throw buildVerbError('BUILD_CONTEXT_LATER', { context: '-f -' });
  if (given !== undefined) return resolve(given);
  const [usual, lower] = ['Dockerfile', 'dockerfile'].map((name) => join(contextFolder, name));
  return !exists(usual!) && exists(lower!) ? lower! : usual!;
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

function readDockerfile(path: string): string {
  try {
    const facts = statSync(path);
    // A pipe would be waited for without end.
    if (!facts.isFile())
      throw buildVerbError('BUILD_DOCKERFILE', { path, code: facts.isDirectory() ? 'EISDIR' : 'ENXIO' });
    const { size } = facts;
    if (size > MAX_DOCKERFILE_BYTES)
      throw buildVerbError('BUILD_DOCKERFILE', {
        path,
        code: `${size} bytes are more than ${MAX_DOCKERFILE_BYTES}`,
      });
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || code.startsWith('BUILD_')) throw error;
    throw buildVerbError('BUILD_DOCKERFILE', { path, code }, { cause: error });
  }
}

function buildArguments(app: App, given: readonly string[]): Map<string, string> {
  const { environment } = app.settings;
  const values = new Map<string, string>();
  for (const name of PROXIES.flatMap((proxy) => [proxy, proxy.toLowerCase()])) {
    const value = environment[name];
    if (value !== undefined && value !== '') values.set(name, value);
  }
  for (const text of given) {
    const [name, value] = splitPair(text);
    const known = text.includes('=') ? value : environment[name];
    if (known !== undefined) values.set(name, known);
  }
  return values;
}

function splitPair(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
