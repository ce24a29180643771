import { describe, expect, it } from 'vitest';
import { readRestartPolicy } from './restart-policy.ts';

describe('--restart', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['no', undefined],
    ['always', { name: 'always', most: 0 }],
    ['unless-stopped', { name: 'unless-stopped', most: 0 }],
    ['on-failure', { name: 'on-failure', most: 0 }],
    ['on-failure:0', { name: 'on-failure', most: 0 }],
    ['on-failure:3', { name: 'on-failure', most: 3 }],
  ])('%s', (text, policy) => expect(readRestartPolicy(text, false)).toEqual(policy));

  it.each([
    ['sometimes', "unknown policy 'sometimes'"],
    ['Always', "unknown policy 'Always'"],
    [':3', 'no policy provided before colon'],
    ['on-failure:x', 'maximum retry count must be an integer'],
    ['on-failure:', 'maximum retry count must be an integer'],
    ['on-failure:1:2', 'invalid restart policy format'],
    ['on-failure:-1', 'maximum retry count cannot be negative'],
    ['always:3', "can only be used with 'on-failure'"],
  ])('%s is wrong: %s', (text, problem) => {
    expect(() => readRestartPolicy(text, false)).toThrow(problem);
  });

  it('is nothing for what removes itself', () => {
    expect(() => readRestartPolicy('always', true)).toThrow('conflicting options: --restart and --rm');
    expect(readRestartPolicy('no', true)).toBeUndefined();
  });
});
