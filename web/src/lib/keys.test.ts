import { expect, test } from 'vitest';
import { Shortcuts } from './keys';

function setUp(enabled = true) {
  const pressed: string[] = [];
  const keys = new Shortcuts(() => enabled);
  keys.add({ 'g p': () => pressed.push('go'), '?': () => pressed.push('help') });
  const press = (key: string, rest: object = {}, timeStamp = 0) =>
    keys.handle({
      key, timeStamp, altKey: false, ctrlKey: false, metaKey: false, shiftKey: false, defaultPrevented: false, target: null, preventDefault() {}, ...rest,
    });
  return { keys, pressed, press };
}

test('two keys in a row are one shortcut, and not the second key’s own', () => {
  const { keys, pressed, press } = setUp();
  keys.add({ p: () => pressed.push('previous') });
  press('g');
  press('p');
  press('p');
  expect(pressed).toEqual(['go', 'previous']);
});

test('a sequence that took too long is forgotten', () => {
  const { pressed, press } = setUp();
  press('g', {}, 0);
  press('p', {}, 5000);
  expect(pressed).toEqual([]);
});

test('modified keys and keys in fields are left alone', () => {
  const { pressed, press } = setUp();
  press('?', { altKey: true });
  press('?', { ctrlKey: true });
  press('?', { metaKey: true });
  press('?', { target: { closest: () => ({}) } });
  press('?', { defaultPrevented: true });
  expect(pressed).toEqual([]);
  // A question mark is written with Shift; an arrow with it is another thing.
  press('?', { shiftKey: true });
  expect(pressed).toEqual(['help']);
});

test('an arrow with Shift is the browser’s', () => {
  const { keys, pressed, press } = setUp();
  keys.add({ ArrowLeft: () => pressed.push('back') });
  press('ArrowLeft', { shiftKey: true });
  expect(pressed).toEqual([]);
  press('ArrowLeft');
  expect(pressed).toEqual(['back']);
});

test('the newest binding wins until it is taken away', () => {
  const { keys, pressed, press } = setUp();
  const remove = keys.add({ '?': () => pressed.push('other') });
  press('?');
  remove();
  press('?');
  expect(pressed).toEqual(['other', 'help']);
});

test('all of them can be switched off', () => {
  const { pressed, press } = setUp(false);
  press('?');
  expect(pressed).toEqual([]);
});
