import { closeSync, constants, lstatSync, openSync, readSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { fsPath } from '../base/names.ts';
import type { ResolvedUser } from '../image/user.ts';
import { kindInRoot, type RootPath, resolveInRoot } from './root-path.ts';

/** What an argument vector starts: the container's path of the program, or why it cannot be started and the exit code that docker gives then. */
export type FoundExecutable =
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'refused'; readonly code: 126 | 127; readonly message: string };

export interface ExecutableSearch {
  readonly root: string;
  readonly name: string;
  /** The value of PATH in the container. */
  readonly searchPath: string;
  /** Resolved working directory in the container. */
  readonly cwd: string;
  readonly user: ResolvedUser;
  /** Relative paths in the root that a mount will cover: what is below them cannot be judged yet. */
  readonly covered: readonly string[];
  /** Host files that mounts will show, by relative path in the root: these can be judged. */
  readonly shown?: ReadonlyMap<string, string> | undefined;
}

/**
 * Looks for the program as execvp does, inside the root, before anything is started: so every executor answers alike.
 * A program that leads into /proc is refused: `/proc/self/exe` would be the host's own binary (CVE-2019-5736).
 */
export function findExecutable(search: ExecutableSearch): FoundExecutable {
  const { name } = search;
  if (name.includes('/')) {
    const path = name.startsWith('/') ? name : join(search.cwd, name);
    const verdict = judge(search, path);
    if (verdict === 'missing') {
      return refused(127, `exec: "${name}": stat ${name}: no such file or directory`);
    }
    return verdict === undefined ? { kind: 'found', path } : refused(verdict.code, verdict.message);
  }
  for (const folder of search.searchPath.split(':')) {
    const path = join(folder.startsWith('/') ? folder : join(search.cwd, folder), name);
    const verdict = judge(search, path);
    if (verdict === undefined) return { kind: 'found', path };
    // A file that merely is not executable does not end the search; one whose interpreter is wrong does.
    if (verdict !== 'missing' && verdict.isProgram) return refused(verdict.code, verdict.message);
  }
  return refused(127, `exec: "${name}": executable file not found in $PATH`);
}

const refused = (code: 126 | 127, message: string) => ({ kind: 'refused', code, message }) as const;

/** Undefined when the program can be started as far as can be seen. */
type Verdict =
  | { readonly code: 126 | 127; readonly message: string; readonly isProgram: boolean }
  | 'missing'
  | undefined;

/** Scripts may name scripts; the kernel stops after five. */
const MAX_INTERPRETERS = 5;

function judge(search: ExecutableSearch, path: string): Verdict {
  let current = path;
  let isProgram = false;
  const no = (code: 126 | 127, message: string): Verdict => ({ code, message, isProgram });
  for (let depth = 0; depth <= MAX_INTERPRETERS; depth++) {
    const found = resolveInRoot(search.root, current);
    const source = search.shown?.get(found.relative);
    const place = source === undefined ? found : { host: source, relative: found.relative };
    if (isBelow(place.relative, 'proc')) {
      isProgram = true;
      return no(126, `exec: "${path}": a program in /proc is not started`);
    }
    if (source === undefined && search.covered.some((cover) => isBelow(place.relative, cover)))
      return undefined;
    const kind = kindInRoot(place);
    if (kind === 'missing') {
      if (depth === 0) return 'missing';
      return no(127, `exec: "${path}": its interpreter "${current}" is not in the image`);
    }
    if (kind === 'directory') return no(126, `exec: "${current}": is a directory`);
    if (kind === 'other' || !mayExecute(lstatSync(fsPath(place.host)), search.user)) {
      return no(126, `exec: "${current}": permission denied`);
    }
    const interpreter = interpreterOf(place);
    if (interpreter === undefined) return undefined;
    isProgram = true;
    current = interpreter.startsWith('/') ? interpreter : join(search.cwd, interpreter);
  }
  return no(126, `exec: "${path}": too many levels of interpreters`);
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function mayExecute(stat: Stats, user: ResolvedUser): boolean {
  if (user.uid === 0) return (stat.mode & 0o111) !== 0;
  if (stat.uid === user.uid) return (stat.mode & 0o100) !== 0;
  if (user.groups.includes(stat.gid)) return (stat.mode & 0o010) !== 0;
  return (stat.mode & 0o001) !== 0;
}

/** As much as the kernel reads of a program's head (BINPRM_BUF_SIZE). */
const HEAD_BYTES = 256;

function interpreterOf(place: RootPath): string | undefined {
  const head = Buffer.alloc(HEAD_BYTES);
  const fd = openSync(fsPath(place.host), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const size = readSync(fd, head, 0, HEAD_BYTES, 0);
    const match = /^#![ \t]*([^ \t\n\0]+)/.exec(head.toString('utf8', 0, size));
    return match?.[1];
  } finally {
    closeSync(fd);
  }
}
