import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isDobosError } from '../base/errors.ts';
import type { Descriptor } from '../oci/types.ts';
import { describeBytes, MANIFEST } from './contract-fixtures.ts';
import {
  findName,
  formatIndex,
  NEW_INDEX,
  namesOf,
  parseIndex,
  shortName,
  targetsOf,
  withName,
  withoutName,
} from './layout-index.ts';

const one = describeBytes('one', MANIFEST);
const two = describeBytes('two', MANIFEST);
const FULL = 'io.containerd.image.name';
const REF = 'org.opencontainers.image.ref.name';

/** An index of these entries as another tool would have written it. */
const foreign = (...entries: readonly object[]) =>
  parseIndex(JSON.stringify({ schemaVersion: 2, manifests: entries, extra: { kept: true } }), 'index.json');
const named = (target: Descriptor, annotations: object) => ({ ...target, annotations });

describe('index.json', () => {
  it.each([
    ['', 'is not JSON'],
    ['[]', 'is not a JSON object'],
    ['null', 'is not a JSON object'],
    ['{}', 'has no "schemaVersion": 2'],
    ['{"schemaVersion":1,"manifests":[]}', 'has no "schemaVersion": 2'],
    ['{"schemaVersion":2,"manifests":{}}', 'has no list of objects'],
    ['{"schemaVersion":2,"manifests":[1]}', 'has no list of objects'],
  ])('refuses %j', (text, problem) => {
    expect(() => parseIndex(text, 'x/index.json')).toThrow(`x/index.json ${problem}`);
    try {
      parseIndex(text, 'x/index.json');
    } catch (error) {
      expect(isDobosError(error, 'STORE_FORMAT')).toBe(true);
    }
  });

  it('reads null for an empty list, as umoci wrote it', () => {
    expect(namesOf(parseIndex('{"schemaVersion":2,"manifests":null}', ''))).toEqual([]);
  });

  it('writes the full name and the form that people type', () => {
    const written = JSON.parse(formatIndex(withName(NEW_INDEX, 'docker.io/library/hello-c:latest', one)));
    expect(written).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [named(one, { [FULL]: 'docker.io/library/hello-c:latest', [REF]: 'hello-c:latest' })],
    });
  });

  it.each([
    ['docker.io/library/x:1', 'x:1'],
    ['docker.io/someone/x:1', 'someone/x:1'],
    ['docker.io/library/a/b:1', 'library/a/b:1'],
    ['quay.io/library/x:1', 'quay.io/library/x:1'],
    ['localhost:5000/x:1', 'localhost:5000/x:1'],
  ])('shortens %s to %s', (full, short) => {
    expect(shortName(full)).toBe(short);
  });

  it('keeps unknown keys, foreign entries and their order', () => {
    const odd = { mediaType: 'application/xml', digest: 'md5:00', size: -1, annotations: { a: 1 } };
    const unnamed = { ...two, platform: { os: 'linux', architecture: 'arm64' } };
    const index = foreign(odd, named(one, { [REF]: 'x' }), unnamed);
    const changed = JSON.parse(formatIndex(withName(index, 'x', two)));
    expect(changed.extra).toEqual({ kept: true });
    expect(changed.manifests).toEqual([odd, named(two, { [FULL]: 'x', [REF]: 'x' }), unnamed]);
    expect(JSON.parse(formatIndex(withoutName(index, 'x')!)).manifests).toEqual([odd, unnamed]);
    expect(targetsOf(index)).toEqual([one, unnamed]);
  });

  it('finds what skopeo wrote by the short name, and what docker wrote by both', () => {
    const index = foreign(
      named(one, { [REF]: 'hello-c:latest' }),
      named(two, { [FULL]: 'docker.io/library/saved:1', [REF]: '1' }),
    );
    expect(findName(index, 'hello-c:latest')).toEqual(one);
    expect(findName(index, 'docker.io/library/hello-c:latest')).toEqual(one);
    expect(findName(index, 'docker.io/library/saved:1')).toEqual(two);
    expect(findName(index, '1')).toEqual(two);
    expect(namesOf(index).map(([name]) => name)).toEqual(['docker.io/library/saved:1', 'hello-c:latest']);
    expect(namesOf(withName(index, 'docker.io/library/hello-c:latest', two)).map(([name]) => name)).toEqual([
      'docker.io/library/hello-c:latest',
      'docker.io/library/saved:1',
    ]);
  });

  it('takes the short name when umoci copied the full name of another image', () => {
    const index = foreign(
      named(one, { [FULL]: 'docker.io/library/x:1', [REF]: 'x:1' }),
      named(two, { [FULL]: 'docker.io/library/x:1', [REF]: 'mine' }),
    );
    expect(findName(index, 'docker.io/library/x:1')).toEqual(one);
    expect(findName(index, 'mine')).toEqual(two);
    expect(namesOf(withoutName(index, 'docker.io/library/x:1')!).map(([name]) => name)).toEqual(['mine']);
  });

  it('replaces every entry of a name that stood there twice', () => {
    const index = foreign(named(one, { [REF]: 'x' }), named(two, { [REF]: 'x' }));
    expect(namesOf(index)).toEqual([['x', one]]);
    expect(targetsOf(withName(index, 'x', two))).toEqual([two]);
  });

  it('is the same object when the name points there already', () => {
    const target = { ...one, annotations: { a: 'b' }, platform: { os: 'linux', architecture: 'amd64' } };
    const index = withName(withName(NEW_INDEX, 'docker.io/library/x:1', target), 'y:1', two);
    expect(withName(index, 'docker.io/library/x:1', target)).toBe(index);
    expect(withName(parseIndex(formatIndex(index), ''), 'y:1', { ...two, platform: undefined })).not.toBe(
      NEW_INDEX,
    );
    expect(withName(index, 'y:1', one)).not.toBe(index);
    expect(withoutName(index, 'z:1')).toBeUndefined();
  });

  it('treats names of JavaScript properties as any other', () => {
    const index = withName(NEW_INDEX, '__proto__', one);
    expect(findName(index, '__proto__')).toEqual(one);
    expect(findName(index, 'constructor')).toBeUndefined();
  });

  it('does to names what a plain map does, whatever they are called', () => {
    const name = fc
      .tuple(
        fc.constantFrom('', 'docker.io/', 'docker.io/library/', 'quay.io/'),
        fc.constantFrom('a:1', 'b:1', 'x/a:1'),
      )
      .map(([registry, rest]) => registry + rest);
    const step = fc.tuple(fc.constantFrom('tag', 'remove'), name, fc.constantFrom(one, two));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const model = new Map<string, Descriptor>();
        let index = NEW_INDEX;
        for (const [what, name, target] of steps) {
          if (what === 'tag') {
            index = withName(index, name, target);
            model.set(name, target);
          } else {
            index = withoutName(index, name) ?? index;
            model.delete(name);
          }
          index = parseIndex(formatIndex(index), '');
          const short = index.entries.map((entry) => (entry.annotations as Record<string, string>)[REF]);
          const written = short.filter((name) => name !== undefined);
          expect(new Set(written).size).toBe(written.length);
          expect(new Map(namesOf(index))).toEqual(model);
          for (const [name, target] of model) expect(findName(index, name)).toEqual(target);
        }
      }),
    );
  });
});
