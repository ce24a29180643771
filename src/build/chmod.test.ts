import { describe, expect, it } from 'vitest';
import { parseChmod } from './chmod.ts';

describe('--chmod', () => {
  it.each(['8', '64a', '10000', '', 'u', 'u+z', 'z+r', '+rw,', '-1', '0x1ff', 'u+go'])(
    'refuses %j',
    (text) => {
      expect(() => parseChmod(text)).toThrow('invalid chmod parameter');
    },
  );

  it.each([
    // text, file before, file after, directory before, directory after
    ['0644', 0o755, 0o644, 0o700, 0o644],
    ['4755', 0o600, 0o4755, 0o700, 0o4755],
    ['0', 0o777, 0, 0o777, 0],
    ['+x', 0o644, 0o755, 0o600, 0o711],
    ['u=rwX,go=rX', 0o600, 0o644, 0o700, 0o755],
    ['u=rwX,go=rX', 0o700, 0o755, 0o700, 0o755],
    ['a=r', 0o755, 0o444, 0o755, 0o444],
    ['go-rwx', 0o755, 0o700, 0o777, 0o700],
    ['g=u', 0o640, 0o660, 0o700, 0o770],
    ['u+s', 0o755, 0o4755, 0o755, 0o4755],
    ['+s', 0o755, 0o6755, 0o755, 0o6755],
    ['o+s', 0o755, 0o755, 0o755, 0o755],
    ['+t', 0o755, 0o1755, 0o777, 0o1777],
    ['u=rwx', 0o4644, 0o744, 0o4755, 0o4755],
    ['u-x+r', 0o300, 0o600, 0o300, 0o600],
    ['ug+w,o=', 0o445, 0o660, 0o555, 0o770],
    ['u+x,g=u', 0o640, 0o770, 0o640, 0o770],
    ['o=g', 0o750, 0o755, 0o750, 0o755],
    ['=', 0o777, 0, 0o777, 0],
  ])('%s makes of %o %o', (text, file, fileAfter, folder, folderAfter) => {
    const change = parseChmod(text);
    expect(change(file, false).toString(8)).toBe(fileAfter.toString(8));
    expect(change(folder, true).toString(8)).toBe(folderAfter.toString(8));
  });
});
