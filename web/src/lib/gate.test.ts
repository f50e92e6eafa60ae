import { expect, test } from 'vitest';
import { Gate } from './gate';

const never = new AbortController().signal;

test('no more than the places run at once, in order, and every one is answered', async () => {
  const gate = new Gate(2);
  let [running, most] = [0, 0];
  const order: number[] = [];
  const work = (name: number) => async () => {
    running += 1;
    most = Math.max(most, running);
    order.push(name);
    await new Promise((done) => setTimeout(done, 2));
    running -= 1;
    return name;
  };
  const answers = await Promise.all([1, 2, 3, 4, 5].map((name) => gate.pass(never, work(name))));
  expect([answers, order, most]).toEqual([[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], 2]);
});

test('one that fails, and one that was given up while it waited, leave their places', async () => {
  const gate = new Gate(1);
  const given = new AbortController();
  let ran = false;
  const failing = gate.pass(never, () => Promise.reject(new Error('no')));
  const waiting = gate.pass(given.signal, async () => (ran = true));
  given.abort();
  await expect(failing).rejects.toThrow('no');
  await expect(waiting).rejects.toThrow('abort');
  expect(ran).toBe(false);
  expect(await gate.pass(never, async () => 'free')).toBe('free');
});
