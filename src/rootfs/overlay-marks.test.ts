import { describe, expect, it } from 'vitest';
import { isOverlayMark, markPrefix, storedXattr } from './overlay-marks.ts';

describe('the names of attributes in a snapshot', () => {
  it.each([
    ['trusted', 'trusted.overlay.opaque', 'trusted.overlay.overlay.opaque'],
    ['trusted', 'trusted.overlay.overlay.opaque', 'trusted.overlay.overlay.overlay.opaque'],
    ['trusted', 'user.overlay.opaque', 'user.overlay.opaque'],
    ['user', 'user.overlay.whiteout', 'user.overlay.overlay.whiteout'],
    ['whole', 'trusted.overlay.opaque', 'trusted.overlay.opaque'],
    ['trusted', 'security.capability', 'security.capability'],
  ] as const)('of format %s: %s is kept as %s', (format, name, stored) => {
    expect(storedXattr(name, format)).toBe(stored);
  });

  it('those of overlayfs are told from others', () => {
    expect(
      ['trusted.overlay.origin', 'user.overlay.impure', 'user.overlays', 'trusted.x'].map(isOverlayMark),
    ).toEqual([true, true, false, false]);
  });

  it('a whole tree has none', () => expect(markPrefix('whole')).toBeUndefined());
});
