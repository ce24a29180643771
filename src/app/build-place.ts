/**
 * Where a build finds its Dockerfile and its files.
 * @module
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { errorMaker, systemCode } from '../base/errors.ts';

type BuildPlaceErrors = {
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
const placeError = errorMaker<BuildPlaceErrors>({
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

export interface BuildPlace {
  /** Absolute; undefined: no files. */
  readonly contextFolder: string | undefined;
  readonly dockerfileText: string;
  /** For messages. */
  readonly dockerfileName: string;
  /** Where it was read, if it was a file on this machine. */
  readonly dockerfilePath: string | undefined;
  close(): Promise<void>;
}

/** Finds context and Dockerfile. @throws BUILD_CONTEXT, BUILD_DOCKERFILE, BUILD_CONTEXT_LATER */
export async function openBuildPlace(request: {
  readonly context: string;
  readonly dockerfile?: string | undefined;
}): Promise<BuildPlace> {
  const contextFolder = checkContext(request.context);
  const dockerfilePath = findDockerfile(request.dockerfile, contextFolder);
  return {
    contextFolder,
    dockerfileText: readDockerfile(dockerfilePath),
    dockerfileName: request.dockerfile ?? basename(dockerfilePath),
    dockerfilePath,
    close: async () => {},
  };
}

/** @throws BUILD_CONTEXT, BUILD_CONTEXT_LATER */
function checkContext(context: string): string {
  if (context === '-' || /^(https?:|git@|git:|ssh:|github\.com\/)/.test(context)) {
    throw placeError('BUILD_CONTEXT_LATER', { context });
  }
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
  if (given === '-') throw placeError('BUILD_CONTEXT_LATER', { context: '-f -' });
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
      throw placeError('BUILD_DOCKERFILE', { path, code: facts.isDirectory() ? 'EISDIR' : 'ENXIO' });
    const { size } = facts;
    if (size > MAX_DOCKERFILE_BYTES)
      throw placeError('BUILD_DOCKERFILE', {
        path,
        code: `${size} bytes are more than ${MAX_DOCKERFILE_BYTES}`,
      });
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined || code.startsWith('BUILD_')) throw error;
    throw placeError('BUILD_DOCKERFILE', { path, code }, { cause: error });
  }
}
