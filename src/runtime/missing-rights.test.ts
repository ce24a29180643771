import { describe, expect, it } from 'vitest';
import { missingRights, whyNoNamespaces } from './missing-rights.ts';

const statusOf = (rights: string): string => `Name:\tnode\nCapPrm:\t${rights}\nCapEff:\t${rights}\n`;
const DOCKER = '00000000a80425fb';
const PODMAN = '00000000800405fb';

describe('what root in a container may do', () => {
  it.each([DOCKER, PODMAN])(
    'is enough for a plain chroot by default, and not for namespaces: %s',
    (rights) => {
      expect(missingRights(0, statusOf(rights))).toEqual([]);
      expect(whyNoNamespaces(statusOf(rights))).toBe('root has no CAP_SYS_ADMIN here');
    },
  );

  it('is named where it is not enough', () => {
    expect(missingRights(0, statusOf('0000000000000021'))).toEqual([
      ...['CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_SETGID', 'CAP_SETUID', 'CAP_SETPCAP', 'CAP_SYS_CHROOT'],
    ]);
    expect(missingRights(1000, statusOf(DOCKER))).toEqual(['the rights of root']);
    expect(missingRights(0, 'Name:\tnode\n')).toHaveLength(8);
  });

  it('leaves namespaces to be tried where CAP_SYS_ADMIN is there', () => {
    expect(whyNoNamespaces(statusOf('000001ffffffffff'))).toBeUndefined();
  });
});
