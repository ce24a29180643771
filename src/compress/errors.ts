import { errorMaker } from '../base/errors.ts';
import type { CompressionKind } from './detect.ts';

type CompressErrors = {
  COMPRESS_TRUNCATED: { format: CompressionKind };
  COMPRESS_TRAILING: { format: CompressionKind };
  COMPRESS_CORRUPT: { format: CompressionKind; problem: string };
  COMPRESS_WINDOW: { window: number; limit: number };
  COMPRESS_BAD_LEVEL: { format: CompressionKind; level: number; least: number; most: number };
  COMPRESS_NO_ZSTD: { problem: string };
  COMPRESS_PROGRAM_MISSING: { program: string; format: CompressionKind; package: string };
  COMPRESS_PROGRAM_FAILED: { program: string; problem: string };
};

/** Errors of the compress room. */
export const compressError = errorMaker<CompressErrors>({
  COMPRESS_TRUNCATED: ({ format }) => ({
    message: `${format} data ends before its end mark`,
    hint: 'the file was cut off: fetch or write it again',
  }),
  COMPRESS_TRAILING: ({ format }) => `${format} data is followed by bytes that are not ${format}`,
  COMPRESS_CORRUPT: ({ format, problem }) => `${format} data is corrupt: ${problem}`,
  COMPRESS_WINDOW: ({ window, limit }) =>
    `zstd data wants a window of ${window} bytes, at most ${limit} are accepted`,
  COMPRESS_BAD_LEVEL: ({ format, level, least, most }) =>
    `${format} has no level ${level}, want ${least} to ${most}`,
  COMPRESS_NO_ZSTD: ({ problem }) => ({
    message: `zstd is not available on this machine: ${problem}`,
    hint: 'the package @cloudpss/zstd has no build for this processor or C library; gzip works everywhere',
  }),
  COMPRESS_PROGRAM_MISSING: ({ program, format, package: name }) => ({
    message: `the program ${program} is not on this machine, and ${format} data needs it`,
    hint: `install the package ${name}`,
  }),
  COMPRESS_PROGRAM_FAILED: ({ program, problem }) => `the program ${program} failed: ${problem}`,
});
