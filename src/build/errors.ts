import { errorMaker } from '../base/errors.ts';
import type { LayerRef } from '../runtime/types.ts';

type BuildErrors = {
  BUILD_NOT_IN_CONTEXT: {
    instruction: string;
    path: string;
    near?: string | undefined;
    ignored?: { file: string; line: number; pattern: string } | undefined;
    broken?: string | undefined;
  };
  BUILD_NOT_IN_SOURCE: { instruction: string; path: string; from: string; near?: string | undefined };
  BUILD_NOTHING_MATCHED: { instruction: string; patterns: readonly string[]; from: string };
  BUILD_NO_CONTEXT: { instruction: string };
  BUILD_CONTEXT_UNREADABLE: { path: string; code: string };
  BUILD_CONTEXT_NOT_FOLDER: { path: string };
  BUILD_IGNORE_INVALID: { line: number; message: string };
  BUILD_EXCLUDE_INVALID: { pattern: string; message: string };
  BUILD_CONTEXT_DEVICE: { path: string; kind: string };
  BUILD_CONTEXT_CHANGED: { path: string };
  BUILD_DEST_NOT_FOLDER: { path: string; is: string; what: string };
  BUILD_DEST_IS_FOLDER: { path: string; source: string };
  BUILD_DEST_NEEDS_SLASH: { dest: string; sources: number };
  BUILD_DEST_IS_ROOT: { dest: string };
  BUILD_WHITEOUT_NAME: { path: string };
  BUILD_CHMOD_INVALID: { text: string; want: string };
  BUILD_WORKDIR_NOT_FOLDER: { path: string; at: string };
  /** `left`: the layer of what it changed until then, where that is kept. */
  BUILD_RUN_FAILED: {
    command: string;
    code: number;
    signal?: string | undefined;
    lines: readonly string[];
    left?: LayerRef | undefined;
  };
  BUILD_STEP_FAILED: { instruction: string; code: string; message: string; store: string };
  BUILD_NO_KEEPER: Record<string, never>;
  BUILD_SECRET_MISSING: { id: string };
  BUILD_SSH_MISSING: { id: string };
  BUILD_ARCHIVE: { path: string; problem: string };
  BUILD_CHECKSUM: { url: string; got: string; want: string };
  BUILD_DOWNLOAD: { url: string; status: number };
  BUILD_DOWNLOAD_SIZE: { url: string; limit: number };
  BUILD_GIT: { url: string; doing: string; said: string };
  BUILD_GIT_MISSING: { url: string };
  BUILD_AUTH_SECRET: { id: string };
  BUILD_GIT_REF: { url: string; ref: string };
  BUILD_GIT_COMMIT: { url: string; got: string; want: string };
  BUILD_NO_NETWORK: Record<string, never>;
  BUILD_EPOCH_INVALID: { text: string };
  BUILD_CONTEXT_ARCHIVE: { problem: string };
  BUILD_OUTPUT: { dest: string; code: string };
  BUILD_LINT: { rules: readonly string[] };
  BUILD_CHECK_OPTION: { problem: string };
};

const OUTPUT_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of the path is no folder',
  EEXIST: 'it is there already and no folder',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'the name is too long for this file system',
};

/** Errors of running a build. */
export const buildError = errorMaker<BuildErrors>({
  BUILD_NOT_IN_CONTEXT: ({ instruction, path, near, ignored, broken }) => ({
    message:
      broken === undefined
        ? `${instruction} failed: ${quote(path)} is not in the build context`
        : `${instruction} failed: ${quote(path)} is a symlink to ${quote(broken)}, which is not in the build context`,
    hint:
      [
        ...(near === undefined ? [] : [`did you mean ${quote(near)}?`]),
        ...(ignored === undefined
          ? []
          : [`it is excluded by ${ignored.file} line ${ignored.line}: ${ignored.pattern}`]),
      ].join(' ') || 'its path is looked up in the folder that was given to build',
  }),
  BUILD_NOT_IN_SOURCE: ({ instruction, path, from, near }) => ({
    message: `${instruction} failed: ${quote(path)} is not in ${from}`,
    hint:
      near === undefined
        ? `${instruction} finds what an earlier step of ${from} made, by its path from /`
        : `did you mean ${quote(near)}?`,
  }),
  BUILD_NOTHING_MATCHED: ({ instruction, patterns, from }) =>
    `${instruction} failed: nothing in ${from} matches ${patterns.map(quote).join(' or ')}`,
  BUILD_NO_CONTEXT: ({ instruction }) => ({
    message: `${instruction} failed: this build has no context to copy from`,
    hint: 'give the folder that holds the files: dobos build FOLDER',
  }),
  BUILD_CONTEXT_UNREADABLE: ({ path, code }) => ({
    message: `cannot read ${path} in the build context: ${code}`,
    hint:
      code === 'EACCES' ? 'change its permissions, or exclude it with a line in .dockerignore' : undefined,
  }),
  BUILD_CONTEXT_NOT_FOLDER: ({ path }) => `the build context ${path} is not a folder`,
  BUILD_IGNORE_INVALID: ({ line, message }) => `.dockerignore line ${line}: ${message}`,
  BUILD_EXCLUDE_INVALID: ({ pattern, message }) => `--exclude=${pattern}: ${message}`,
  BUILD_CONTEXT_DEVICE: ({ path, kind }) => ({
    message: `${path} in the build context is a ${kind}, want a file, folder or symlink`,
    hint: 'exclude it with a line in .dockerignore',
  }),
  BUILD_CONTEXT_CHANGED: ({ path }) => ({
    message: `${path} changed while it was being copied`,
    hint: 'build again when nothing writes to the context',
  }),
  BUILD_DEST_NOT_FOLDER: ({ path, is, what }) =>
    `cannot copy to non-directory: ${path} is a ${is} in the image, and ${what} needs a directory there`,
  BUILD_DEST_IS_FOLDER: ({ path, source }) =>
    `cannot replace directory ${path} of the image with file ${source}`,
  BUILD_DEST_NEEDS_SLASH: ({ dest, sources }) => ({
    message: `${sources} sources copied to ${quote(dest)}: with several sources the destination must be a directory and end in /`,
    hint: `write ${quote(`${dest}/`)}`,
  }),
  BUILD_DEST_IS_ROOT: ({ dest }) =>
    `the destination ${quote(dest)} is the root directory, and a file cannot replace it`,
  BUILD_WHITEOUT_NAME: ({ path }) =>
    `${quote(path)} cannot be in an image: names that start with .wh. mark deletions in layers`,
  BUILD_CHMOD_INVALID: ({ text, want }) => `invalid chmod parameter: ${quote(text)}, want ${want}`,
  BUILD_WORKDIR_NOT_FOLDER: ({ path, at }) =>
    `WORKDIR ${path} failed: ${at} is in the image and no directory`,
  BUILD_RUN_FAILED: ({ command, code, signal }) => ({
    message: `process ${quote(command)} did not complete successfully: exit code: ${code}${signal === undefined ? '' : ` (${signal})`}`,
    hint:
      code === 137
        ? 'it was killed; often the memory ran out'
        : code === 127
          ? 'a program was not found: it is not in this image, or not in PATH'
          : code === 126
            ? 'a program may not be executed: its file lacks the x bit, or is for another machine'
            : 'its own output says why',
  }),
  BUILD_STEP_FAILED: ({ instruction, code, message, store }) =>
    code === 'ENOSPC' || code === 'EDQUOT'
      ? {
          message: `${instruction} failed: no space is left for its layer in ${store}`,
          hint: 'make room on that file system ("dobos system prune" removes what nothing needs), or name another folder for the store in DOBOS_ROOT',
        }
      : {
          message: `${instruction} failed: ${message}`,
          hint: code === 'EROFS' ? 'the store is read-only: name another folder in DOBOS_ROOT' : undefined,
        },
  BUILD_SECRET_MISSING: ({ id }) => ({
    message: `secret ${id}: not found`,
    hint: `give it with --secret id=${id},src=FILE or --secret id=${id},env=VARIABLE`,
  }),
  BUILD_SSH_MISSING: ({ id }) => ({
    message: `no ssh agent ${quote(id)} is given to this build`,
    hint:
      id === 'default'
        ? 'start ssh-agent, and give it with --ssh default'
        : `give it with --ssh ${id}=SOCKET`,
  }),
  BUILD_NO_KEEPER: () => 'RUN needs something to run programs with, and none was given to this build',
  BUILD_ARCHIVE: ({ path, problem }) => ({
    message: `ADD failed: the archive ${path} cannot be unpacked: ${problem}`,
    hint: 'COPY, and ADD --unpack=false, keep it packed',
  }),
  BUILD_CHECKSUM: ({ url, got, want }) => ({
    message: `ADD ${url} failed: digest mismatch ${got}: ${want}`,
    hint: 'the file is not the one that --checksum was written for: look at what changed before you trust it',
  }),
  BUILD_DOWNLOAD: ({ url, status }) => ({
    message: `ADD ${url} failed: the server answers with status ${status}, want 200`,
    hint:
      status === 404 || status === 410
        ? 'is the address spelled right, and is the file still there?'
        : status === 401 || status === 403
          ? `it wants to know who asks: --secret id=HTTP_AUTH_TOKEN_${hostOf(url)},env=VARIABLE gives it a token`
          : undefined,
  }),
  BUILD_DOWNLOAD_SIZE: ({ url, limit }) =>
    `ADD ${url} failed: it is more than ${limit} bytes, want at most that`,
  BUILD_GIT: ({ url, doing, said }) => ({
    message: `git repository ${url}: ${doing}: ${said}`,
    hint: /terminal prompts|authentication|permission denied/i.test(said)
      ? 'git asks nobody here: --secret id=GIT_AUTH_TOKEN,env=VARIABLE gives it a token, an ssh agent a key'
      : /redirect|error: 30\d/i.test(said)
        ? 'with a token git follows no redirect: name the repository by its own URL'
        : /host key/i.test(said)
          ? 'connect once with ssh to note the key of that host'
          : /not allowed|transport .* not/i.test(said)
            ? 'only http, https, git and ssh are used'
            : undefined,
  }),
  BUILD_GIT_MISSING: ({ url }) => ({
    message: `git repository ${url}: the program git is not on this machine`,
    hint: 'install the package git',
  }),
  BUILD_AUTH_SECRET: ({ id }) => ({
    message: `the secret ${id} cannot be sent to a server: it is empty, or not plain text on one line`,
    hint: 'it is a token, or the value of an Authorization header',
  }),
  BUILD_GIT_REF: ({ url, ref }) => ({
    message: `git repository ${url} has no ${ref}`,
    hint: 'it is the name of a branch, a tag, or a whole commit',
  }),
  BUILD_GIT_COMMIT: ({ url, got, want }) => ({
    message: `git repository ${url}: expected checksum to match ${want}, got ${got}`,
    hint: 'the branch or tag has moved: look at what changed before you trust it',
  }),
  BUILD_NO_NETWORK: () => 'ADD needs something to fetch URLs with, and nothing was given to this build',
  BUILD_EPOCH_INVALID: ({ text }) => ({
    message: `invalid SOURCE_DATE_EPOCH: ${quote(text)}`,
    hint: 'seconds since 1970, as printed by: date +%s',
  }),
  BUILD_CONTEXT_ARCHIVE: ({ problem }) => `the archive with the build context cannot be unpacked: ${problem}`,
  BUILD_LINT: ({ rules }) => ({
    message: `lint violation found for rules: ${rules.join(', ')}`,
    hint: '`# check=error=true` makes them errors; docs/rules.md says why each of them matters',
  }),
  BUILD_CHECK_OPTION: ({ problem }) => ({
    message: `failed to parse check options: ${problem}`,
    hint: '# check=skip=RULE,RULE;error=true;experimental=all',
  }),
  BUILD_OUTPUT: ({ dest, code }) => `cannot write ${dest}: ${OUTPUT_PROBLEMS[code] ?? code}`,
});

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'HOST');

function quote(text: string): string {
  return JSON.stringify(text);
}
