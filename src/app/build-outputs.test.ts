import { describe, expect, it } from 'vitest';
import { commaFields } from '../base/comma-fields.ts';
import { parseAnnotations } from './build-annotations.ts';
import { parseOutput, withPush } from './build-outputs.ts';
import { checkOutputs } from './write-outputs.ts';

describe('--output', () => {
  it.each([
    ['out', { kind: 'local', dest: 'out', split: true }],
    ['-', { kind: 'tar', dest: '-', split: false }],
    ['type=local,dest=a b', { kind: 'local', dest: 'a b', split: true }],
    ['type=local,"dest=a,b"', { kind: 'local', dest: 'a,b', split: true }],
    ['type=tar', { kind: 'tar', dest: '-', split: false }],
    ['type=docker', { kind: 'image', names: [] }],
    ['type=docker,dest=x', { kind: 'docker', dest: 'x', names: [] }],
    ['type=image,name=app', { kind: 'image', names: ['docker.io/library/app:latest'] }],
    ['type=image,push=false,unpack=true', { kind: 'image', names: [] }],
    ['type=cacheonly', { kind: 'cacheonly' }],
  ])('%s', (text, want) => expect(parseOutput(text)).toEqual(want));

  it('reads how the layers of a layout are stored', () => {
    const oci = parseOutput('type=oci,dest=d,tar=false,compression=zstd,compression-level=19,"name=a,b:2"');
    expect(oci).toEqual({
      kind: 'oci',
      dest: 'd',
      tar: false,
      compression: 'zstd',
      level: 19,
      names: ['docker.io/library/a:latest', 'docker.io/library/b:2'],
    });
    expect(parseOutput('type=oci,compression=uncompressed')).toMatchObject({
      compression: 'none',
      dest: '-',
    });
  });

  it.each([
    ['', 'it names nothing', undefined],
    ['dest=x', 'type is required for output', undefined],
    ['type=lcoal,dest=x', 'unknown type "lcoal"', 'did you mean type=local?'],
    ['type=dir,dest=x', 'unknown type "dir"', 'did you mean type=local?'],
    ['type=local', 'dest is required', undefined],
    ['type=oci,tar=false', 'dest is required', undefined],
    ['type=tar,dst=x', 'type=tar knows no "dst"', 'did you mean dest?'],
    ['type=tar,x', 'invalid value "x", want key=value', undefined],
    ['type=tar,"dest=x', 'a quote is not closed', undefined],
    ['type=oci,compression=gzp', 'unknown compression "gzp"', 'did you mean gzip?'],
    ['type=oci,compression-level=x', 'want a number', undefined],
    ['type=registry,nam=x', 'type=registry knows no "nam"', 'did you mean name?'],
    ['type=image,name=x,push=true,compression=zst', 'unknown compression "zst"', 'did you mean zstd?'],
  ])('refuses %j', (text, problem, hint) => {
    expect(() => parseOutput(text)).toThrow(problem);
    if (hint !== undefined)
      expect(() => parseOutput(text)).toThrow(expect.objectContaining({ hint }) as unknown as Error);
  });

  it('reads what is pushed, and how', () => {
    const plain = { compression: undefined, level: undefined, force: false, byDigest: false };
    const names = ['docker.io/library/x:latest'];
    expect(parseOutput('type=registry,name=x')).toEqual({ kind: 'image', names, push: plain });
    expect(parseOutput('type=registry,name=x,push=false')).toEqual({ kind: 'image', names, push: undefined });
    expect(parseOutput('type=image,name=x')).toEqual({ kind: 'image', names, push: undefined });
    expect(parseOutput('type=image,name=x,push=true,compression=zstd,compression-level=9')).toEqual({
      ...{ kind: 'image', names },
      push: { ...plain, compression: 'zstd', level: 9 },
    });
    expect(withPush([parseOutput('type=image,name=x')], true)).toEqual([
      { kind: 'image', names, push: plain },
    ]);
    expect(withPush([parseOutput('out')], true).at(-1)).toEqual({ kind: 'image', names: [], push: plain });
    expect(() => checkOutputs(withPush([], true), 1, [])).toThrow('a name is needed when pushing');
    checkOutputs(withPush([], true), 1, names);
  });

  it('refuses what cannot be written before anything runs', () => {
    const outputs = ['-', 'type=oci'].map(parseOutput);
    expect(() => checkOutputs(outputs, 1, [])).toThrow('only one output goes to standard output');
    expect(() => checkOutputs([parseOutput('type=docker,dest=x')], 2, [])).toThrow('one platform');
    checkOutputs([parseOutput('type=docker,dest=x')], 1, []);
  });
});

it('comma-separated fields are quoted as whole fields only', () => {
  expect(commaFields('a,"b ""c"", d",e"f"')).toEqual(['a', 'b "c", d', 'e"f"']);
  expect(commaFields('')).toEqual(['']);
  expect(commaFields('"')).toBeUndefined();
});

describe('--annotation', () => {
  const amd64 = { os: 'linux', architecture: 'amd64' };

  it('goes into the document that it names', () => {
    const read = parseAnnotations(
      [
        'a=1',
        'manifest:b=2',
        'index,manifest[linux/amd64]:c=x=y',
        'manifest-descriptor[linux/arm64]:d=4',
        'index-descriptor:e=',
      ],
      true,
    );
    expect(read.manifest(amd64)).toEqual({ a: '1', b: '2', c: 'x=y' });
    expect(read.manifest({ os: 'linux', architecture: 'arm64' })).toEqual({ a: '1', b: '2' });
    expect(read.manifestDescriptor(amd64)).toEqual({});
    expect(read.manifestDescriptor({ os: 'linux', architecture: 'arm64' })).toEqual({ d: '4' });
    expect([read.index, read.indexDescriptor]).toEqual([{ c: 'x=y' }, { e: '' }]);
  });

  it.each([
    ['a', 'want key=value'],
    ['=b', 'the key is empty'],
    ['manifset:a=b', 'unknown annotation type "manifset"'],
    ['index:a=b', 'index annotations are not for a build of a single platform'],
  ])('refuses %s', (text, problem) => {
    expect(() => parseAnnotations([text], false)).toThrow(problem);
  });
});
