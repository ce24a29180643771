import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Mount, readMount } from './mount.ts';
import { parseDockerfile } from './parse-dockerfile.ts';

const at = { line: 1, column: 1, offset: 0 };
const word = (text: string) => ({ text, range: { start: at, end: at } });
const read = (text: string, variables: Readonly<Record<string, string>> = {}) =>
  readMount(word(text), (value) => value.replace(/\$(\w+)/g, (_, name: string) => variables[name] ?? ''));
const mount = (text: string, variables: Readonly<Record<string, string>> = {}): Partial<Mount> => {
  const found = read(text, variables);
  if (found.kind === 'wrong') throw new Error(found.message);
  return Object.fromEntries(Object.entries(found.mount).filter(([, value]) => value !== undefined));
};

describe('the value of --mount', () => {
  it('is a bind mount, read-only, unless it says otherwise', () => {
    const bind = { type: 'bind', readOnly: true, required: false };
    expect(mount('target=/x')).toEqual({ ...bind, target: '/x' });
    expect(mount('type=bind,src=a,dst=/x,rw')).toEqual({
      ...bind,
      source: 'a',
      target: '/x',
      readOnly: false,
    });
    expect(mount('TYPE=Bind,source=a,destination=/x,readwrite=true,ro')).toMatchObject({ readOnly: true });
    expect(mount('target=/x,readonly=false')).toMatchObject({ readOnly: false });
  });

  it('may be written to when it is a cache or a tmpfs', () => {
    expect(mount('type=cache,target=/x,sharing=Locked,mode=0700,uid=1,gid=2,id=a=b')).toEqual({
      ...{ type: 'cache', target: '/x', readOnly: false, required: false },
      ...{ sharing: 'locked', mode: 0o700, uid: 1, gid: 2, id: 'a=b' },
    });
    expect(mount('type=cache,target=/x,ro')).toMatchObject({ readOnly: true });
    expect(mount('type=tmpfs,target=/x,size=1.5g')).toMatchObject({ readOnly: false, size: 1.5 * 2 ** 30 });
    expect(mount('type=tmpfs,target=/x,size=4096')).toMatchObject({ size: 4096 });
  });

  it('has fields in quotes, which may hold commas and quotes', () => {
    expect(mount('type=bind,"source=a,b ""c""",target=/x')).toMatchObject({ source: 'a,b "c"' });
    expect(read('type=bind,"source=a')).toMatchObject({ kind: 'wrong' });
  });

  it('takes what podman says of labels, and changes nothing', () => {
    expect(mount('type=cache,target=/x,z')).toEqual(mount('type=cache,target=/x'));
    expect(mount('type=cache,target=/x,Z')).toEqual(mount('type=cache,target=/x,relabel=shared'));
  });

  it('has variables everywhere but in from', () => {
    const variables = { T: 'cache', D: '/x', S: 'locked', N: '1000' };
    expect(mount('type=$T,target=$D/y,sharing=$S,uid=$N', variables)).toMatchObject({
      ...{ type: 'cache', target: '/x/y', sharing: 'locked', uid: 1000 },
    });
    expect(read('type=bind,from=$T,target=/x', variables)).toMatchObject({
      message: "'from' doesn't support variable expansion, define alias stage instead",
    });
    // Without their values nothing that depends on them is judged.
    expect(readMount(word('type=$T,sharing=$S,mode=$M,target=/x,env=E'))).toMatchObject({ kind: 'mount' });
  });

  it.each([
    ['typ=cache', "unexpected key 'typ' in 'typ=cache' (did you mean type?)"],
    ['type=tmp', 'unsupported mount type "tmp" (did you mean tmpfs?)'],
    ['type=cache,targt=/x', "unexpected key 'targt' in 'targt=/x' (did you mean target?)"],
    ['type=bind,required', "unexpected key 'required' for mount type 'bind'"],
    ['type=cache,required=true', "unexpected key 'required' for mount type 'cache'"],
    ['type=bind,size=1', "unexpected key 'size' for mount type 'bind'"],
    ['type=bind,env=X', "unexpected key 'env' for mount type 'bind'"],
    ['type=bind,mode=0755', 'mode not allowed for "bind" type mounts'],
    ['type=bind,uid=0', 'uid not allowed for "bind" type mounts'],
    ['type=tmpfs,gid=0', 'gid not allowed for "tmpfs" type mounts'],
    ['type=cache,target', "invalid field 'target' must be a key=value pair"],
    ['nonsense', "invalid field 'nonsense' must be a key=value pair"],
    ['', "invalid field '' must be a key=value pair"],
    ['type=secret', 'invalid secret mount. one of source, target required'],
    ['type=secret,id=a,source=b', "both source and id can't be set"],
    ['type=secret,id=a,from=b', 'secret mount should not have a from'],
    ['type=bind,sharing=shared', 'invalid cache sharing set for bind mount'],
    ['type=cache,sharing=lock', 'unsupported sharing value "lock" (did you mean locked?)'],
    ['type=cache,mode=9', 'invalid value 9 for mode, want octal digits like 0755'],
    ['type=cache,uid=me', 'invalid value me for uid, want a number'],
    ['type=cache,uid=4294967295', 'invalid value 4294967295 for uid, want a number'],
    ['type=cache,ro=perhaps', 'invalid value for ro: perhaps, want true or false'],
    ['type=tmpfs,size=big', 'invalid value for size: big, want bytes or a number with k, m or g'],
    ['type=secret,id=a,env=A=B', 'invalid value for env: "A=B"'],
  ])('%j is wrong: %s', (text, message) => {
    expect(read(text)).toEqual({ kind: 'wrong', message });
  });

  it('is judged by the parser too, at its place', () => {
    const [problem] = parseDockerfile('FROM x\nRUN --mount=typ=cache,target=/x make\n').problems;
    expect(problem).toMatchObject({ code: 'DOCKERFILE_MOUNT', severity: 'error' });
    expect(problem?.range.start).toMatchObject({ line: 2, column: 5 });
    expect(parseDockerfile('FROM x\nRUN --mount=type=$T,target=/x make\n').problems).toEqual([]);
  });

  it('never throws', () => {
    const piece = fc.constantFrom(
      'type=',
      'cache',
      'target',
      '=',
      ',',
      '"',
      '$x',
      'id',
      '/',
      '0',
      'mode=',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(['mount', 'wrong']).toContain(readMount(word(pieces.join(''))).kind);
      }),
    );
  });
});
