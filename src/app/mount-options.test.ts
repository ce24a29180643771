import { describe, expect, it } from 'vitest';
import { parseMount, parseTmpfs, parseVolumeSpec } from './mount-options.ts';

describe('-v', () => {
  it.each([
    ['/in', { kind: 'volume', name: undefined, target: '/in', readOnly: false, fill: true }],
    ['data:/in', { kind: 'volume', name: 'data', target: '/in', readOnly: false, fill: true }],
    ['data:/in/:ro', { kind: 'volume', name: 'data', target: '/in', readOnly: true }],
    ['data:/in:nocopy,z', { kind: 'volume', fill: false }],
    ['/host:/in', { kind: 'bind', source: '/host', target: '/in', make: true }],
    ['./here:/in:ro', { kind: 'bind', source: './here', readOnly: true }],
    ['../up:/in', { kind: 'bind', source: '../up' }],
    ['.:/in/../out', { kind: 'bind', source: '.', target: '/out' }],
  ])('%s', (text, want) => expect(parseVolumeSpec(text)).toMatchObject({ text, ...want }));

  // docker's words.
  it.each([
    [
      '/x:rel',
      "invalid volume specification: '/x:rel': invalid mount path: 'rel' mount path must be absolute",
    ],
    ['v1:/', "invalid volume specification: 'v1:/': invalid specification: destination can't be '/'"],
    ['v1:/a/..', "invalid volume specification: 'v1:/a/..': invalid specification: destination can't be '/'"],
    ['a:/b:ro:x', "invalid volume specification: 'a:/b:ro:x'"],
    ['a:', "invalid volume specification: 'a:'"],
    ['', "invalid volume specification: ''"],
    ['v1:/a:foo', 'invalid mode: foo'],
    ['v1:/a:ro,rw', 'invalid mode: ro,rw'],
    ['/x:/a:nocopy', 'invalid mode: nocopy'],
    ['/x:/a:rshared', 'mount propagation rshared cannot be had: mounts of a container never show outside'],
  ])('%s is refused', (text, want) => expect(parseVolumeSpec(text)).toBe(want));
});

describe('--mount', () => {
  it.each([
    ['type=bind,src=/a,dst=/b', { kind: 'bind', source: '/a', target: '/b', readOnly: false, make: false }],
    ['type=bind,source=/a,target=/b,readonly', { kind: 'bind', readOnly: true }],
    ['type=bind,source=/a,destination=/b,ro=false', { kind: 'bind', readOnly: false }],
    ['"type=bind","src=/a,b",dst=/b', { kind: 'bind', source: '/a,b' }],
    ['src=data,dst=/b', { kind: 'volume', name: 'data', fill: true }],
    [
      'dst=/b,volume-nocopy,volume-label=a=b',
      { kind: 'volume', name: undefined, fill: false, labels: { a: 'b' } },
    ],
    ['type=tmpfs,dst=/b,tmpfs-size=64m,tmpfs-mode=1770', { kind: 'tmpfs', size: 67108864, mode: 0o1770 }],
  ])('%s', (text, want) => expect(parseMount(text)).toMatchObject({ text, ...want }));

  it.each([
    ['type=bind,dst=/x', 'invalid mount config for type "bind": field Source must not be empty'],
    ['type=volume,src=v1', 'target is required'],
    ['type=foo,dst=/x', 'invalid mount config for type "foo": mount type unknown'],
    ['foo=bar', "unexpected key 'foo' in 'foo=bar'"],
    ['type=tmpfs,dst=/x,tmpfs-size=1x', 'invalid value for tmpfs-size: 1x'],
    ['type=tmpfs,src=a,dst=/x', 'invalid mount config for type "tmpfs": field Source must not be specified'],
    [
      'type=bind,src=rel,dst=/x',
      `invalid mount config for type "bind": invalid mount path: 'rel' mount path must be absolute`,
    ],
    [
      'type=volume,dst=rel',
      `invalid mount config for type "volume": invalid mount path: 'rel' mount path must be absolute`,
    ],
    ['type=bind,src=/tmp,dst=/x,volume-nocopy', "cannot mix 'volume-*' options with mount type 'bind'"],
    ['type=volume,dst=/x,readonly=maybe', 'invalid value for readonly: maybe'],
    ['type=volume,dst=/x,bind-propagation=rprivate', "cannot mix 'bind-*' options with mount type 'volume'"],
    ['dst', "invalid field 'dst' must be a key=value pair"],
    ['type=volume,src=v,dst=/x,volume-driver=nfs', 'volume driver "nfs" is not there, only "local"'],
    ['type=bind,src="a,dst=/x', 'parse error: a quote is not closed, or stands in a value'],
  ])('%s is refused', (text, want) => expect(parseMount(text)).toBe(want));
});

describe('--tmpfs', () => {
  it.each([
    ['/x', { target: '/x', readOnly: false, without: ['nosuid', 'noexec'] }],
    ['/x:rw,size=1m,mode=0700,uid=5,exec', { size: 1048576, mode: 0o700, uid: 5, without: ['nosuid'] }],
    ['/x:ro', { readOnly: true }],
  ])('%s', (text, want) => expect(parseTmpfs(text)).toMatchObject({ kind: 'tmpfs', ...want }));

  it.each([
    ['rel', "invalid mount path: 'rel' mount path must be absolute"],
    ['/x:foo', 'invalid tmpfs option ["foo"]'],
    ['/x:size=big', 'invalid tmpfs option ["size=big"]'],
  ])('%s is refused', (text, want) => expect(parseTmpfs(text)).toBe(want));
});
