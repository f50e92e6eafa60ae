// Where in the text the server found what is wrong.

import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, type DecorationSet } from '@codemirror/view';

export interface Fault {
  from: number;
  to: number;
  message: string;
}

export const setFault = StateEffect.define<Fault | null>();

/** The place is marked until the text is changed there, or another answer comes. */
export const faultField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    const set = transaction.effects.find((effect) => effect.is(setFault));
    if (!set) return marks.map(transaction.changes);
    const fault = set.value as Fault | null;
    if (!fault || fault.from === fault.to) return Decoration.none;
    return Decoration.set([Decoration.mark({ class: 'cm-fault', attributes: { title: fault.message } }).range(fault.from, fault.to)]);
  },
  provide: (field) => EditorView.decorations.from(field),
});
