/**
 * Where a build finds its Dockerfile and its files.
 * @module
 */
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readBounded } from '../base/bounded-file.ts';
import { type ByteStream, collect } from '../base/bytes.ts';
import { errorMaker, isDobosError, systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { isGitUrl } from '../build/remote/git-source.ts';
import type { RemoteSecrets } from '../build/remote/remote-auth.ts';
import type { TempFolder } from '../store/temp-folder.ts';
import type { App } from './app.ts';
import { HEAD_BYTES, isArchive, peek } from './peek-archive.ts';

type BuildPlaceErrors = {
  BUILD_CONTEXT: { context: string; problem: string };
  BUILD_DOCKERFILE: { path: string; code: string };
  BUILD_STDIN: { what: 'both' | 'none' };
};
const DOCKERFILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is no folder',
  EACCES: 'this user may not',
  ENAMETOOLONG: 'the name is too long',
};
const placeError = errorMaker<BuildPlaceErrors>({
  BUILD_CONTEXT: ({ context, problem }) => ({
    message: `the build context "${context}" ${problem}`,
    hint: 'give the folder that holds the Dockerfile: dobos build -t app .',
  }),
  BUILD_DOCKERFILE: ({ path, code }) => ({
    message: `cannot read the Dockerfile ${path}: ${DOCKERFILE_PROBLEMS[code] ?? code}`,
    hint: code === 'EACCES' ? 'change its permissions' : 'name it with -f, or give the folder that holds it',
  }),
  BUILD_STDIN: ({ what }) => ({
    message:
      what === 'both'
        ? 'standard input cannot be both the build context and the Dockerfile'
        : 'the build reads standard input, and there is none',
    hint: 'dobos build - < Dockerfile, or dobos build -f - FOLDER < Dockerfile',
  }),
});

/** Largest Dockerfile that is read, in bytes. */
const MAX_DOCKERFILE_BYTES = 1024 * 1024;

export interface BuildPlace {
  /** Absolute; undefined: no files. */
  readonly contextFolder: string | undefined;
  readonly dockerfileText: string;
  /** For messages. */
  readonly dockerfileName: string;
  /** Where it was read, if it was a file: on this machine, or in a foreign context. */
  readonly dockerfilePath: string | undefined;
  /** The context came from elsewhere and lies in a folder of the store's until `close`. */
  readonly foreign: boolean;
  close(): Promise<void>;
}

export interface PlaceRequest {
  readonly context: string;
  readonly dockerfile?: string | undefined;
}

export interface PlaceOptions extends CallOptions {
  /** Standard input; refused without it. */
  readonly stdin?: (() => ByteStream) | undefined;
  readonly warn: (message: string) => void;
  /** A repository keeps its `.git`. */
  readonly keepGitDir: boolean;
  /** Those that prove who asks. */
  readonly secrets?: RemoteSecrets | undefined;
}

/**
 * Finds context and Dockerfile: a folder; `-` with a Dockerfile or an archive of the context on standard input; a URL of either; a git repository; `-f -` for a Dockerfile on standard input.
 * @throws BUILD_CONTEXT, BUILD_DOCKERFILE, BUILD_STDIN, BUILD_CONTEXT_ARCHIVE, BUILD_GIT_CONTEXT, BUILD_GIT, HTTP_ errors
 */
export async function openBuildPlace(app: App, request: PlaceRequest, o: PlaceOptions): Promise<BuildPlace> {
  const { context, dockerfile } = request;
  if (context === '-' && dockerfile === '-') throw placeError('BUILD_STDIN', { what: 'both' });
  if (isGitContext(context)) {
    if (dockerfile === '-') throw placeError('BUILD_STDIN', { what: 'both' });
    const { openGitContext } = await import('./git-context.ts');
    const folder = await openGitContext(app, context, o);
    try {
      return await foreignPlace(folder, dockerfile);
    } catch (error) {
      folder.remove();
      throw error;
    }
  }
  if (context === '-') return openForeignPlace(app, request, stdinOf(o), o);
  if (/^https?:\/\//.test(context)) {
    const { downloadContext } = await import('./download-context.ts');
    const { bytes, close } = await downloadContext(app, context, o);
    try {
      return await openForeignPlace(app, request, bytes, o);
    } finally {
      await close();
    }
  }
  const contextFolder = checkContext(context);
  if (dockerfile === '-') {
    const text = await readText(stdinOf(o), 'standard input');
    return {
      contextFolder,
      dockerfileText: text,
      dockerfileName: '-',
      dockerfilePath: undefined,
      foreign: false,
      close: noClose,
    };
  }
  const dockerfilePath = findDockerfile(dockerfile, contextFolder);
  return {
    contextFolder,
    dockerfileText: readDockerfile(dockerfilePath),
    dockerfileName: dockerfile ?? basename(dockerfilePath),
    dockerfilePath,
    foreign: false,
    close: noClose,
  };
}

/** True for what docker takes for a git repository. */
export function isGitContext(text: string): boolean {
  return isGitUrl(text) || text.startsWith('github.com/');
}

const noClose = async (): Promise<void> => {};

function stdinOf({ stdin }: PlaceOptions): ByteStream {
  if (stdin === undefined) throw placeError('BUILD_STDIN', { what: 'none' });
  return stdin();
}

/** A stream that is a Dockerfile, or an archive of a context with its Dockerfile. */
async function openForeignPlace(
  app: App,
  { context, dockerfile }: PlaceRequest,
  bytes: ByteStream,
  o: PlaceOptions,
): Promise<BuildPlace> {
  const { head, whole } = await peek(bytes, HEAD_BYTES);
  if (head.length === 0) throw placeError('BUILD_CONTEXT', { context, problem: 'is empty' });
  if (!isArchive(head)) {
    const dockerfileText = await readText(whole, context);
    const dockerfileName = context === '-' ? '-' : basename(new URL(context).pathname) || 'Dockerfile';
    return {
      contextFolder: undefined,
      dockerfileText,
      dockerfileName,
      dockerfilePath: undefined,
      foreign: true,
      close: noClose,
    };
  }
  const folder = await unpackInStore(app, whole, o);
  try {
    return await foreignPlace(folder, dockerfile);
  } catch (error) {
    folder.remove();
    throw error;
  }
}

/** The stream's archive, unpacked in a folder of the store's; undefined if it is none. @throws BUILD_CONTEXT, BUILD_CONTEXT_ARCHIVE */
export async function openArchiveFolder(
  app: App,
  context: string,
  bytes: ByteStream,
  o: PlaceOptions,
): Promise<TempFolder | undefined> {
  const { head, whole } = await peek(bytes, HEAD_BYTES);
  if (head.length === 0) throw placeError('BUILD_CONTEXT', { context, problem: 'is empty' });
  return isArchive(head) ? unpackInStore(app, whole, o) : undefined;
}

async function unpackInStore(app: App, bytes: ByteStream, o: PlaceOptions): Promise<TempFolder> {
  const store = await app.store();
  const [{ makeTempFolder }, { unpackContext }] = await Promise.all([
    import('../store/temp-folder.ts'),
    import('../build/context/unpack-context.ts'),
  ]);
  const folder = makeTempFolder(store.folder ?? app.settings.storeFolder);
  try {
    const { leftOut } = await unpackContext(bytes, folder.path, o);
    if (leftOut > 0) o.warn(`${leftOut} devices or pipes of the build context were left out`);
    return folder;
  } catch (error) {
    folder.remove();
    throw error;
  }
}

async function foreignPlace(folder: TempFolder, dockerfile: string | undefined): Promise<BuildPlace> {
  const { readInside } = await import('../build/context/read-inside.ts');
  const names = dockerfile === undefined ? ['Dockerfile', 'dockerfile'] : [dockerfile];
  for (const name of names) {
    const text = readInside(folder.path, name, MAX_DOCKERFILE_BYTES);
    if (text === undefined) continue;
    return {
      contextFolder: folder.path,
      dockerfileText: text,
      dockerfileName: name,
      dockerfilePath: name,
      foreign: true,
      close: async () => folder.remove(),
    };
  }
  throw placeError('BUILD_DOCKERFILE', { path: names[0]!, code: 'the context has no such file' });
}

async function readText(bytes: ByteStream, from: string): Promise<string> {
  try {
    return (await collect(bytes, MAX_DOCKERFILE_BYTES)).toString('utf8');
  } catch (error) {
    if (!isDobosError(error, 'BYTES_TOO_MANY')) throw error;
    throw placeError('BUILD_DOCKERFILE', { path: from, code: `more than ${MAX_DOCKERFILE_BYTES} bytes` });
  }
}

/** @throws BUILD_CONTEXT */
function checkContext(context: string): string {
  try {
    if (!statSync(context).isDirectory())
      throw placeError('BUILD_CONTEXT', { context, problem: 'is not a folder' });
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') throw placeError('BUILD_CONTEXT', { context, problem: 'does not exist' });
    if (code === 'EACCES') throw placeError('BUILD_CONTEXT', { context, problem: 'may not be read' });
    if (code === 'ENAMETOOLONG')
      throw placeError('BUILD_CONTEXT', { context, problem: 'is too long a name' });
    throw error;
  }
  return resolve(context);
}

function findDockerfile(given: string | undefined, contextFolder: string): string {
  if (given !== undefined) return resolve(given);
  const [usual, lower] = ['Dockerfile', 'dockerfile'].map((name) => join(contextFolder, name));
  return !exists(usual!) && exists(lower!) ? lower! : usual!;
}

const exists = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

function readDockerfile(path: string): string {
  try {
    const bytes = readBounded(path, MAX_DOCKERFILE_BYTES, { found: true });
    if ('why' in bytes) throw placeError('BUILD_DOCKERFILE', { path, code: bytes.why });
    return bytes.toString('utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || code.startsWith('BUILD_')) throw error;
    throw placeError('BUILD_DOCKERFILE', { path, code }, { cause: error });
  }
}
