import { describe, expect, it } from 'vitest';
import { parseOwnNamespace } from './own-namespace.ts';

describe('parseOwnNamespace', () => {
  it('knows the host by its one line over all ids', () => {
    const host = parseOwnNamespace('         0          0 4294967295\n', '0 0 4294967295\n', 'allow\n');
    expect([host.isUserNamespace, host.canSetGroups, host.hasUser(4294967294), host.hasGroup(7)]).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });
  it('knows which ids a user namespace has', () => {
    const own = parseOwnNamespace('0 1000 1\n1 100000 65536\n', '0 1000 1\n', 'deny\n');
    expect([own.isUserNamespace, own.canSetGroups]).toEqual([true, false]);
    expect([0, 1, 65536, 65537].map((id) => own.hasUser(id))).toEqual([true, true, true, false]);
    expect([0, 1].map((id) => own.hasGroup(id))).toEqual([true, false]);
  });
  it('takes a kernel without the files for the host', () => {
    const none = parseOwnNamespace('', '', '');
    expect([none.isUserNamespace, none.canSetGroups, none.hasUser(5)]).toEqual([false, true, true]);
  });
});
