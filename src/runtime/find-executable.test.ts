import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExecutableSearch, findExecutable } from './find-executable.ts';

const ROOT_USER = { uid: 0, gid: 0, groups: [0], home: '/', name: 'root' };
const APP = { uid: 4242, gid: 4243, groups: [4243], home: '/', name: 'app' };
let root: string;

const put = (path: string, text: string, mode = 0o755): void => {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
};
const find = (name: string, over: Partial<ExecutableSearch> = {}) =>
  findExecutable({
    root,
    name,
    searchPath: '/first:/bin',
    cwd: '/work',
    user: ROOT_USER,
    covered: [],
    ...over,
  });

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'dobos-find-'));
  put('bin/tool', '\x7fELF');
  put('first/plain', 'no program', 0o644);
  put('bin/plain', '\x7fELF');
  put('bin/private', '\x7fELF', 0o700);
  put('bin/script', '#! /bin/tool -x\n');
  put('bin/spaced', '#!\t/bin/tool\n');
  put('bin/broken', '#!/bin/gone\n');
  put('bin/evil', '#!/proc/self/exe\n');
  put('work/local', '\x7fELF');
  put('work/relative', '#!local\n');
  symlinkSync('/bin/tool', join(root, 'bin/linked'));
  symlinkSync('../../../../../../bin/tool', join(root, 'bin/climbing'));
  symlinkSync('/proc/self/exe', join(root, 'bin/exe'));
  symlinkSync('self', join(root, 'bin/self'));
  put('bin/ring', '#!/bin/ring\n');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('findExecutable', () => {
  it.each([
    ['gone', 127, 'exec: "gone": executable file not found in $PATH'],
    ['/bin/gone', 127, 'exec: "/bin/gone": stat /bin/gone: no such file or directory'],
    ['./gone', 127, 'exec: "./gone": stat ./gone: no such file or directory'],
    ['/first/plain', 126, 'exec: "/first/plain": permission denied'],
    ['/bin/tool/below', 126, 'exec: "/bin/tool/below": permission denied'],
    ['/bin', 126, 'exec: "/bin": is a directory'],
    ['broken', 127, 'exec: "/bin/broken": its interpreter "/bin/gone" is not in the image'],
    ['evil', 126, 'exec: "/bin/evil": a program in /proc is not started'],
    ['exe', 126, 'exec: "/bin/exe": a program in /proc is not started'],
    ['/proc/1/exe', 126, 'exec: "/proc/1/exe": a program in /proc is not started'],
    ['ring', 126, 'exec: "/bin/ring": too many levels of interpreters'],
  ] as const)('refuses %s', (name, code, message) => {
    expect(find(name)).toEqual({ kind: 'refused', code, message });
  });
  it('refuses a ring of links', () =>
    expect(() => find('self')).toThrowError(expect.objectContaining({ code: 'RUNTIME_LINK_LOOP' })));

  it.each([
    ['tool', '/bin/tool'],
    ['/bin/tool', '/bin/tool'],
    ['script', '/bin/script'],
    ['spaced', '/bin/spaced'],
    ['linked', '/bin/linked'],
    ['climbing', '/bin/climbing'],
    ['./local', '/work/local'],
    ['./relative', '/work/relative'],
  ])('finds %s', (name, path) => expect(find(name)).toEqual({ kind: 'found', path }));
  it('goes past a file in PATH that is no program', () =>
    expect(find('plain')).toEqual({ kind: 'found', path: '/bin/plain' }));
  it('looks in the working directory for an empty or relative folder of PATH', () => {
    expect(find('local', { searchPath: ':/bin' })).toEqual({ kind: 'found', path: '/work/local' });
    expect(find('tool', { searchPath: '../bin' })).toEqual({ kind: 'found', path: '/bin/tool' });
  });
  it('does not judge what a mount will cover', () => {
    expect(find('/mnt/tool', { covered: ['mnt'] })).toEqual({ kind: 'found', path: '/mnt/tool' });
    expect(find('/mntx/tool', { covered: ['mnt'] }).kind).toBe('refused');
  });
  it('judges the file that a mount will show', () => {
    const shown = (source: string) => ({
      covered: ['dev/x'],
      shown: new Map([['dev/x', join(root, source)]]),
    });
    expect(find('/dev/x', shown('bin/script'))).toEqual({ kind: 'found', path: '/dev/x' });
    writeFileSync(join(root, 'bin/text'), 'text', { mode: 0o644 });
    expect(find('/dev/x', shown('bin/text'))).toMatchObject({ kind: 'refused', code: 126 });
    writeFileSync(join(root, 'bin/strange'), '#!/no/such/python\n', { mode: 0o755 });
    expect(find('/dev/x', shown('bin/strange'))).toMatchObject({ kind: 'refused', code: 127 });
  });
  it('looks at the permission bits that apply to the user', () => {
    expect(find('private', { user: APP })).toMatchObject({ kind: 'refused', code: 127 });
    expect(find('/bin/private', { user: APP })).toMatchObject({ kind: 'refused', code: 126 });
    expect(find('private')).toEqual({ kind: 'found', path: '/bin/private' });
  });
});
