import { deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { detectCompression } from './detect.ts';

test('bytes that are not compressed are none, also when there are few or none', () => {
  expect(detectCompression(Buffer.alloc(0))).toBe('none');
  expect(detectCompression(Buffer.from([0x1f]))).toBe('none');
  expect(detectCompression(Buffer.from([0x28, 0xb5, 0x2f]))).toBe('none');
  expect(detectCompression(deflateSync('x'))).toBe('none');
  expect(detectCompression(Buffer.alloc(512))).toBe('none');
});

test('a tar whose first name begins like a bzip2 file is not bzip2', () => {
  expect(detectCompression(Buffer.from('BZh9file\0\0'))).toBe('none');
});

test('each format is found by its first bytes', () => {
  expect(detectCompression(gzipSync('x'))).toBe('gzip');
  expect(detectCompression(Buffer.from('28b52ffd0458', 'hex'))).toBe('zstd');
  expect(detectCompression(Buffer.from('5a2a4d1800000000', 'hex'))).toBe('zstd');
  expect(detectCompression(Buffer.from('fd377a585a000004', 'hex'))).toBe('xz');
  expect(detectCompression(Buffer.from('425a6839314159265359', 'hex'))).toBe('bzip2');
  expect(detectCompression(Buffer.from('425a6839177245385090', 'hex'))).toBe('bzip2');
});
