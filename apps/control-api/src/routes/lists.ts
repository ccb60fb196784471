import { type Cursor, type CursorPage, type Page, type Paged, PER_PAGE_DEFAULT } from '@iron/database'

/** Wire names of a page request → the packages' (http-api 1.7). Sort fields are snake_case on the wire. */
export function pageOf(query: { readonly page?: number; readonly per_page?: number; readonly sort?: string }): Page {
  return {
    page: query.page,
    perPage: query.per_page,
    sort: query.sort === undefined ? undefined : camelCase(query.sort),
  }
}

/** A paged list as it is answered. */
export function pagedAnswer<T>(paged: Paged<T>, answer: (item: T) => unknown) {
  const { page, perPage, total } = paged
  return {
    data: paged.data.map(answer),
    pagination: { page, per_page: perPage, total, total_pages: Math.ceil(total / perPage) },
  }
}

/** The answer of a list that can hold nothing for this caller. */
export function emptyAnswer(window: Page) {
  const { page = 1, perPage = PER_PAGE_DEFAULT } = window
  return pagedAnswer({ data: [], page, perPage, total: 0 }, (item) => item)
}

/** Wire names of a log request → the packages'. */
export function cursorOf(query: {
  readonly after?: string
  readonly limit?: number
  readonly order?: 'asc' | 'desc'
}): Cursor {
  return { after: query.after, limit: query.limit, order: query.order }
}

/** A log as it is answered. */
export function logAnswer<T>(page: CursorPage<T>, answer: (item: T) => unknown) {
  return { data: page.data.map(answer), next_cursor: page.nextCursor }
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
