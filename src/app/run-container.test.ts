import { realpathSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseVolume } from './host-volume.ts';
import { mergeEnv } from './run-container.ts';

describe('variables of a container', () => {
  it("are the image's with the given ones over them", () => {
    expect(mergeEnv(['A=1', 'B=2'], ['B=3', 'C=a=b', 'D='], {})).toEqual(['A=1', 'B=3', 'C=a=b', 'D=']);
  });

  it("take the caller's value for a name alone, and go without it where there is none", () => {
    expect(mergeEnv(['A=1', 'B=2'], ['A', 'B', 'C'], { A: 'mine' })).toEqual(['A=mine']);
  });
});

describe('volumes', () => {
  const real = realpathSync('/tmp');

  it.each([
    ['/tmp:/in', { source: real, target: '/in', readOnly: false }],
    ['/tmp:/in:ro', { source: real, target: '/in', readOnly: true }],
    ['/tmp:/in:rw', { source: real, target: '/in', readOnly: false }],
  ])('%s is understood', (text, bind) => expect(parseVolume(text)).toEqual(bind));

  it.each([
    ['/tmp', 'want HOST:CONTAINER'],
    ['data:/in', 'a build has no volumes with names'],
    ['/tmp:in', '"in" is not an absolute path'],
    ['/tmp:/', 'the root itself'],
    ['/tmp:/in:rx', 'unknown mode "rx"'],
    ['/nope-nope:/in', '/nope-nope does not exist'],
    ['/a:/b:ro:x', 'want HOST:CONTAINER'],
  ])('%s is refused', (text, problem) => {
    expect(() => parseVolume(text)).toThrow(
      expect.objectContaining({ code: 'RUN_VOLUME', message: expect.stringContaining(problem) }),
    );
  });
});
