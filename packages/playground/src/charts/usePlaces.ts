// Where the rows stand, in pixels: the ends of the lines follow them as they open, wrap and move.

import { type RefObject, useLayoutEffect, useState } from "react";
import type { Moved } from "../api";

export interface Places {
  width: number;
  height: number;
  ends: ReadonlyMap<number, number>;
  starts: ReadonlyMap<number, number>;
}

const NOWHERE: Places = { width: 0, height: 0, ends: new Map(), starts: new Map() };

export function usePlaces(list: RefObject<HTMLElement | null>, shown: Moved[]): Places {
  const [places, setPlaces] = useState(NOWHERE);
  const key = shown.map((each) => `${each.index}:${each.before}`).join();
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const look = () => setPlaces(measured(element));
    const observer = new ResizeObserver(look);
    observer.observe(element);
    look();
    return () => observer.disconnect();
  }, [list, key]);
  return places;
}

function measured(list: HTMLElement): Places {
  const rows = [...list.querySelectorAll<HTMLElement>(".row")];
  const middle = (row: HTMLElement) => {
    const rank = row.querySelector<HTMLElement>(".rank");
    return rank ? rank.offsetTop + rank.offsetHeight / 2 : 0;
  };
  const ends = new Map(rows.map((row) => [Number(row.dataset.passage), row.offsetTop + middle(row)]));
  const gap = Math.min(...rows.map((row) => row.offsetHeight));
  const top = rows[0] ? middle(rows[0]) : 0;
  const inOrder = rows.toSorted((a, b) => Number(a.dataset.before) - Number(b.dataset.before));
  const starts = new Map(inOrder.map((row, nth) => [Number(row.dataset.passage), top + gap * nth]));
  return { width: list.offsetLeft, height: Math.max(list.offsetHeight, gap * rows.length), ends, starts };
}
