import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { familiarName, formatReference, parseReference, withDefaultTag } from './reference.ts';

describe('parseReference', () => {
  it.each([
    ['', 'empty'],
    ['Debian', 'lower case'],
    ['docker.io/App:1', 'lower case'],
    ['a//b', 'repository name'],
    ['a/', 'repository name'],
    ['-rm', 'repository name'],
    ['a:', 'tag'],
    ['a:.x', 'tag'],
    [`a:${'x'.repeat(129)}`, 'tag'],
    ['a b', '" "'],
    ['../x', 'host name'],
    ['https://docker.io/x', 'host name'],
    ['a'.repeat(300), 'longer than'],
    ['f'.repeat(64), 'image id'],
    ['ex_ample.com:5000/x', 'host name'],
  ])('refuses %j and says why', (text, why) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: 'OCI_REFERENCE_INVALID', message: expect.stringContaining(why) }),
    );
  });

  it('offers the lower-case spelling of an upper-case name', () => {
    expect(() => parseReference('docker.io/My/App:Tag')).toThrow(
      expect.objectContaining({ hint: 'did you mean "docker.io/my/app:Tag"?' }),
    );
  });

  it('refuses a digest that is cut short', () => {
    expect(() => parseReference('a@sha256:abcd')).toThrow(
      expect.objectContaining({ code: 'OCI_DIGEST_INVALID' }),
    );
  });

  it.each([
    ['debian', 'docker.io/library/debian'],
    ['debian:12', 'docker.io/library/debian:12'],
    ['bitnami/redis', 'docker.io/bitnami/redis'],
    ['index.docker.io/debian', 'docker.io/library/debian'],
    ['localhost/a', 'localhost/a'],
    ['localhost:5000/a/b:x', 'localhost:5000/a/b:x'],
    ['ghcr.io/a/b_c--d.e', 'ghcr.io/a/b_c--d.e'],
    ['[::1]:5000/a', '[::1]:5000/a'],
    ['Host/a', 'Host/a'],
    [`a:1@sha256:${'0'.repeat(64)}`, `docker.io/library/a:1@sha256:${'0'.repeat(64)}`],
  ])('reads %s as %s', (text, full) => {
    expect(formatReference(parseReference(text))).toBe(full);
  });

  it('takes the short name back to the same reference', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,5}([._-][a-z0-9]{1,3})?$/);
    const registry = fc.constantFrom('docker.io', 'localhost', 'ghcr.io', 'h:5000');
    fc.assert(
      fc.property(
        registry,
        fc.array(word, { minLength: 1, maxLength: 3 }),
        fc.option(word, { nil: undefined }),
        (host, path, tag) => {
          const reference = parseReference(`${host}/${path.join('/')}${tag === undefined ? '' : `:${tag}`}`);
          expect(parseReference(familiarName(reference))).toEqual(reference);
          expect(parseReference(formatReference(reference))).toEqual(reference);
        },
      ),
    );
  });

  it('adds latest only where neither tag nor digest stands', () => {
    expect(withDefaultTag(parseReference('a')).tag).toBe('latest');
    expect(withDefaultTag(parseReference(`a@sha256:${'0'.repeat(64)}`)).tag).toBeUndefined();
    expect(withDefaultTag(parseReference('a:1')).tag).toBe('1');
  });
});
