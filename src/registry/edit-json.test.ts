import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editJson, jsonMistake } from './edit-json.ts';

describe('a changed JSON text', () => {
  it.each([
    ['{}', ['auths', 'a'], '{\n\t"auths": {\n\t\t"a": 1\n\t}\n}'],
    ['{"x":1}', ['auths', 'a'], '{"x":1,"auths":{"a":1}}'],
    ['{"auths":{}}', ['auths', 'a'], '{"auths":{"a":1}}'],
    ['{"auths":null,"x":2}', ['auths', 'a'], '{"auths":{"a":1},"x":2}'],
    ['{"a":[1, {"b":2}],"c":3}', ['c'], '{"a":[1, {"b":2}],"c":1}'],
    ['{\n  "b": 2\n}\n', ['a'], '{\n  "b": 2,\n  "a": 1\n}\n'],
    [
      '{\n  "b": {\n    "c": {}\n  }\n}',
      ['b', 'c', 'd'],
      '{\n  "b": {\n    "c": {\n      "d": 1\n    }\n  }\n}',
    ],
  ])('of %j with %j set', (text, path, changed) => expect(editJson(text, path, 1)).toBe(changed));

  it.each([
    ['{"a":1}', '{}'],
    ['{"a":1,"b":2}', '{"b":2}'],
    ['{ "b" : 2 , "a" : 1 }', '{ "b" : 2 }'],
    ['{"b":2,"a":1,"c":3}', '{"b":2,"c":3}'],
    ['{"a":1,"b":2,"a":3}', '{"b":2}'],
    ['{"b":{"a":1}}', '{"b":{"a":1}}'],
  ])('of %j without its "a"', (text, changed) => expect(editJson(text, ['a'], undefined)).toBe(changed));

  it('keeps what JavaScript would change: order of numbers as keys, large and odd numbers, escapes, unknown spacing', () => {
    const text =
      '{ "10": 1, "2":12345678901234567890,\n"f":1.0e2 , "\\u0061b": "\\/",  "__proto__":{"x":[ ]} }';
    expect(editJson(editJson(text, ['auths'], {}), ['auths'], undefined)).toBe(text);
  });

  it('takes the last of two members of one name, as every reader does', () =>
    expect(editJson('{"a":{"x":1},"a":{"y":2}}', ['a', 'z'], 3)).toBe('{"a":{"x":1},"a":{"y":2,"z":3}}'));

  it('reads back as the same value with that one member changed', () =>
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
        fc.string(),
        fc.jsonValue(),
        fc.constantFrom(undefined, 1, '\t'),
        (before, key, value, indent) => {
          fc.pre(key !== '__proto__' && !('__proto__' in before && Object.hasOwn(before, '__proto__')));
          const text = JSON.stringify(before, undefined, indent);
          expect(JSON.parse(editJson(text, [key], value))).toEqual(
            JSON.parse(JSON.stringify({ ...before, [key]: value })),
          );
          const { [key]: _, ...rest } = before;
          expect(JSON.parse(editJson(text, [key], undefined))).toEqual(JSON.parse(JSON.stringify(rest)));
        },
      ),
    ));
});

describe('the place of a mistake', () => {
  it.each([
    ['', 1],
    ['{"a":1', 1],
    ['{\n"a": 01\n}', 2],
    ['{\n"a":\n tru}', 3],
    ['{"a":"\n"}', 1],
    ['{"a":"\\x"}', 1],
    ['{}\n{}', 2],
    ['{"a":1,}', 1],
    [`${'['.repeat(100)}${']'.repeat(100)}`, 1],
    [`{"a":"${'x'.repeat(10)}`, 1],
  ])('in %j is line %d', (text, line) => expect(jsonMistake(text)).toBe(line));

  it('agrees with JSON.parse about what is JSON', () =>
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.stringMatching(/^[[\]{}",:\\ 0-9a-frtulse.+-]{0,12}$/)), (text) => {
        const parses = (): boolean => {
          try {
            JSON.parse(text);
            return true;
          } catch {
            return false;
          }
        };
        expect(jsonMistake(text) === undefined).toBe(parses());
      }),
      { numRuns: 1000 },
    ));
});
