import { describe, expect, it } from 'vitest';
import { resolveUser } from './user.ts';

const PASSWD = [
  'root:x:0:0:root:/root:/bin/sh',
  '# comment:x:7:7::/:',
  'broken line',
  'short:x:12',
  'bad:x:abc:5::/home/bad:/bin/sh',
  'huge:x:4294967296:5::/home/huge:/bin/sh',
  'app:x:1000:1001:App:/home/app:/bin/sh',
  'app:x:1500:1500:Second:/home/second:/bin/sh',
  '1234:x:55:56::/home/number:/bin/sh',
  'homeless:x:60:61:::',
  '',
].join('\n');
const GROUP = 'root:x:0:\nwheel:x:10:app,other\nvideo:x:44:other, app\napp:x:1001:\nbad:x:zz:app\n99:x:77:\n';

const ids = (spec: string) => {
  const { uid, gid, groups, home, name } = resolveUser(spec, PASSWD, GROUP);
  return [uid, gid, groups.join(','), home, name];
};

describe('resolveUser', () => {
  it('refuses a name that has no line', () =>
    expect(() => ids('nobody')).toThrowError(
      expect.objectContaining({ code: 'IMAGE_USER_UNKNOWN', facts: { user: 'nobody' } }),
    ));
  it('refuses a group name that has no line', () =>
    expect(() => ids('app:nogroup')).toThrowError(expect.objectContaining({ code: 'IMAGE_GROUP_UNKNOWN' })));
  it.each(['2147483648', '4294967295', '4294967296', '-1', '99999999999999999999', '0:2147483648', 'app:-5'])(
    'refuses the id %s, which would wrap into another user',
    (spec) => expect(() => ids(spec)).toThrowError(expect.objectContaining({ code: 'IMAGE_USER_RANGE' })),
  );
  it.each(['bad', 'short', 'huge', 'broken line', '# comment'])(
    'does not take the malformed line of %s',
    (user) => expect(() => ids(user)).toThrowError(expect.objectContaining({ code: 'IMAGE_USER_UNKNOWN' })),
  );

  it('reads nothing as root with its home', () => expect(ids('')).toEqual([0, 0, '0', '/root', 'root']));
  it('reads a group alone as a group of root', () =>
    expect(ids(':wheel')).toEqual([0, 10, '10', '/root', 'root']));
  it('gives the groups that list the name, the primary one first', () =>
    expect(ids('app')).toEqual([1000, 1001, '1001,10,44', '/home/app', 'app']));
  it('takes group and home of a number from its line', () =>
    expect(ids('1000')).toEqual([1000, 1001, '1001,10,44', '/home/app', 'app']));
  it('gives group 0 to a number without a line', () =>
    expect(ids('4321')).toEqual([4321, 0, '0', '/', undefined]));
  it('never reads a number as a name', () => expect(ids('1234')).toEqual([1234, 0, '0', '/', undefined]));
  it('never reads a group number as a name', () =>
    expect(ids('app:99')).toEqual([1000, 99, '99', '/home/app', 'app']));
  it('drops supplementary groups when a group is given', () =>
    expect(ids('app:wheel')).toEqual([1000, 10, '10', '/home/app', 'app']));
  it('takes an empty home as /', () => expect(ids('homeless')).toEqual([60, 61, '61', '/', 'homeless']));
  it('takes the largest id', () =>
    expect(ids('2147483647:2147483647').slice(0, 2)).toEqual([2147483647, 2147483647]));

  it('knows only numbers without the files', () => {
    expect(resolveUser('5:6', undefined, undefined)).toEqual({
      uid: 5,
      gid: 6,
      groups: [6],
      home: '/',
      name: undefined,
    });
    expect(resolveUser('', undefined, undefined).uid).toBe(0);
    expect(() => resolveUser('root', undefined, undefined)).toThrowError(
      expect.objectContaining({ code: 'IMAGE_USER_UNKNOWN' }),
    );
  });
});
