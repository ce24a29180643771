import { describe, expect, it } from 'vitest';
import { parsePlatform } from '../oci/platform.ts';
import { contextKey, findNamedContext, type NamedContext } from './context-names.ts';

const contexts = new Map<string, NamedContext>(
  ['Alpine', 'build', 'base::linux/arm64', 'base', 'ghcr.io/a/b:2'].map((name) => [
    contextKey(name),
    { kind: 'image', name },
  ]),
);
const found = (name: string, platform = 'linux/amd64'): string | undefined => {
  const context = findNamedContext(contexts, name, parsePlatform(platform));
  return context?.kind === 'image' ? context.name : undefined;
};

describe('a named context', () => {
  it.each([
    ['alpine', 'Alpine'],
    ['alpine:latest', 'Alpine'],
    ['docker.io/library/alpine', 'Alpine'],
    ['alpine:3', undefined],
    ['BUILD', 'build'],
    ['ghcr.io/a/b:2', 'ghcr.io/a/b:2'],
    ['ghcr.io/a/b', undefined],
    ['other', undefined],
  ])('stands for %s: %s', (name, want) => {
    expect(found(name)).toBe(want);
  });

  it('may be for one platform, and is taken before one for all', () => {
    expect([found('base'), found('base', 'linux/arm64')]).toEqual(['base', 'base::linux/arm64']);
  });
});
