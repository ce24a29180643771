import { describe, expect, it } from 'vitest';
import { DobosError } from '../base/errors.ts';
import { createPaint } from './colour.ts';
import { formatError } from './format-error.ts';

const plain = createPaint(false);
const show = (error: unknown, debug = false): string => formatError(error, plain, debug);

describe('an error as people read it', () => {
  it('says what failed, where, and what to do', () => {
    const place = { file: 'Dockerfile', line: 2, snippet: '2 | >>> COPY a /\n' };
    const error = new DobosError('X', 'COPY failed', {}, { hint: 'did you mean "b"?', place });
    expect(show(error)).toBe('dobos: COPY failed\nDockerfile:2\n2 | >>> COPY a /\nhint: did you mean "b"?\n');
  });

  it('keeps the cause of a complete message for --debug', () => {
    const error = new DobosError('X', 'cannot read a', {}, { cause: new Error('ENOENT: open') });
    expect(show(error)).toBe('dobos: cannot read a\n');
    expect(show(error, true)).toContain('ENOENT: open');
  });

  it('tells the cause of any other error', () => {
    expect(show(new Error('it failed', { cause: new Error('the disk') }))).toBe(
      'dobos: it failed: the disk\n',
    );
  });

  it('tells a failed system call in words, with its path', () => {
    const error = Object.assign(new Error("EROFS: read-only file system, open '/x/y'"), {
      code: 'EROFS',
      path: '/x/y',
      syscall: 'open',
    });
    expect(show(error)).toBe('dobos: /x/y: the file system is read-only (open, EROFS)\n');
  });

  it('calls an abort an interruption', () => {
    expect(show(new DOMException('This operation was aborted', 'AbortError'))).toBe('dobos: interrupted\n');
  });

  it('takes what is no error at all', () => expect(show('odd')).toBe('dobos: odd\n'));
});
