/** The second thread of a `threadedSink` (pack-sink.ts): hashes and writes one half of the bytes while the other is filled. */
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { systemCode } from '../base/errors.ts';
import { type SinkTask, STATE_FREE, STATE_FULL, sinkViews } from './sink-shared.ts';

const task = workerData as SinkTask;
const { states, filled, answer } = sinkViews(task);
const halfBytes = task.bytes.byteLength / 2;
const halves = [0, 1].map((half) => Buffer.from(task.bytes, half * halfBytes, halfBytes));
const whole = createHash('sha256');

answer.setStarted();
for (let half = 0, failed = false; ; half ^= 1) {
  while (Atomics.load(states, half) !== STATE_FULL) Atomics.wait(states, half, STATE_FREE);
  const bytes = filled[half]!;
  if (bytes === 0) {
    if (!failed) answer.setDigest(whole.digest());
  } else if (!failed) {
    try {
      const part = halves[half]!.subarray(0, bytes);
      whole.update(part);
      for (let at = 0; at < bytes; ) at += writeSync(task.fd, part, at, bytes - at);
    } catch (error) {
      failed = true;
      answer.setProblem(systemCode(error) ?? 'EIO', (error as Error).message);
    }
  }
  Atomics.store(states, half, STATE_FREE);
  Atomics.notify(states, half);
  if (bytes === 0) break;
}
