import { expect, test } from 'vitest';
import { formatDiveSize, formatGoFloat, parseByteSize } from './byte-size.ts';

test.each<readonly [string, number | string]>([
  ['', 'strconv.ParseFloat: parsing "": invalid syntax'],
  ['not_a_size', 'strconv.ParseFloat: parsing "": invalid syntax'],
  ['-5B', 'strconv.ParseFloat: parsing "": invalid syntax'],
  ['1.2.3', 'strconv.ParseFloat: parsing "1.2.3": invalid syntax'],
  ['1e3', 'unhandled size name: e3'],
  ['1 x', 'unhandled size name: x'],
  ['1iB', 'unhandled size name: ib'],
  ['99EB', 'too large: 99EB'],
  ['0', 0],
  ['1B', 1],
  ['1,000 B', 1000],
  ['20MB', 20_000_000],
  ['20Mb', 20_000_000],
  ['19m', 19_000_000],
  ['50kB', 50_000],
  ['1.5KiB', 1536],
  ['.5M', 500_000],
  ['2Gi', 2 * 1024 ** 3],
  ['1EB', 1e18],
])('%j is read as dive reads it', (text, value) => {
  expect(parseByteSize(text)).toBe(value);
});

test.each([
  [0, '0 B'],
  [9, '9 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [6405, '6.4 kB'],
  [12_810, '13 kB'],
  [32_025, '32 kB'],
  [999_999, '1000 kB'],
  [1_000_000, '1.0 MB'],
  [2_500_000_000, '2.5 GB'],
])('%d bytes are shown as dive shows them', (bytes, text) => {
  expect(formatDiveSize(bytes)).toBe(text);
});

test.each([
  [0, '0'],
  [0.1, '0.1'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [1.5e-10, '1.5e-10'],
  [123456789, '123456789'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
])('%d is written as Go writes it', (value, text) => {
  expect(formatGoFloat(value)).toBe(text);
});
