// All pages that are descriptions.

import type { Board } from './board';
import { adoption } from './adoption';
import { connectors } from './connectors';
import { cost } from './cost';
import { errors } from './errors';
import { findings } from './findings';
import { health } from './health';
import { performance } from './performance';
import type { BoardName } from './places';
import { productivity } from './productivity';
import { tools } from './tools';
import { workspaces } from './workspaces';

export const BOARDS: Record<BoardName, Board> = { cost, tools, connectors, errors, performance, findings, adoption, productivity, workspaces, health };
