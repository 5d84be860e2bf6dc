//! A database for sqlx that has no rows, no columns, no values and no statements: its pool needs none.

use std::borrow::Cow;
use std::fmt;

use sqlx_core::Either;
use sqlx_core::arguments::{Arguments, IntoArguments};
use sqlx_core::column::{Column, ColumnIndex};
use sqlx_core::database::Database;
use sqlx_core::encode::Encode;
use sqlx_core::error::{BoxDynError, Error};
use sqlx_core::from_row::FromRow;
use sqlx_core::query::Query;
use sqlx_core::query_as::QueryAs;
use sqlx_core::query_scalar::QueryScalar;
use sqlx_core::row::Row;
use sqlx_core::sql_str::SqlStr;
use sqlx_core::statement::Statement;
use sqlx_core::transaction::TransactionManager;
use sqlx_core::type_info::TypeInfo;
use sqlx_core::types::Type;
use sqlx_core::value::{Value, ValueRef};

use super::FakeConnection;

#[derive(Debug)]
pub struct Fake;

/// What there is nothing of.
#[derive(Clone, Debug, PartialEq)]
pub enum Nothing {}

#[derive(Default)]
pub struct NoArguments;

impl Database for Fake {
    type Connection = FakeConnection;
    type TransactionManager = Nothing;
    type Row = Nothing;
    type QueryResult = ();
    type Column = Nothing;
    type TypeInfo = Nothing;
    type Value = Nothing;
    type ValueRef<'r> = Nothing;
    type Arguments = NoArguments;
    type ArgumentBuffer = ();
    type Statement = Nothing;
    const NAME: &'static str = "nothing";
    const URL_SCHEMES: &'static [&'static str] = &[];
}

impl TransactionManager for Nothing {
    type Database = Fake;

    async fn begin(_: &mut FakeConnection, _: Option<SqlStr>) -> Result<(), Error> {
        unreachable!("nobody begins a transaction")
    }

    async fn commit(_: &mut FakeConnection) -> Result<(), Error> {
        unreachable!("nobody began a transaction")
    }

    async fn rollback(_: &mut FakeConnection) -> Result<(), Error> {
        unreachable!("nobody began a transaction")
    }

    fn start_rollback(_: &mut FakeConnection) {}

    fn get_transaction_depth(_: &FakeConnection) -> usize {
        0
    }
}

impl fmt::Display for Nothing {
    fn fmt(&self, _: &mut fmt::Formatter) -> fmt::Result {
        match *self {}
    }
}

impl TypeInfo for Nothing {
    fn is_null(&self) -> bool {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }
}

impl Column for Nothing {
    type Database = Fake;

    fn ordinal(&self) -> usize {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }

    fn type_info(&self) -> &Nothing {
        match *self {}
    }
}

impl Row for Nothing {
    type Database = Fake;

    fn columns(&self) -> &[Nothing] {
        match *self {}
    }

    fn try_get_raw<I: ColumnIndex<Nothing>>(&self, _: I) -> Result<Nothing, Error> {
        match *self {}
    }
}

impl Value for Nothing {
    type Database = Fake;

    fn as_ref(&self) -> Nothing {
        match *self {}
    }

    fn type_info(&self) -> Cow<'_, Nothing> {
        match *self {}
    }

    fn is_null(&self) -> bool {
        match *self {}
    }
}

impl<'r> ValueRef<'r> for Nothing {
    type Database = Fake;

    fn to_owned(&self) -> Nothing {
        match *self {}
    }

    fn type_info(&self) -> Cow<'_, Nothing> {
        match *self {}
    }

    fn is_null(&self) -> bool {
        match *self {}
    }
}

impl Arguments for NoArguments {
    type Database = Fake;

    fn reserve(&mut self, _: usize, _: usize) {}

    fn add<'t, T: Encode<'t, Fake> + Type<Fake>>(&mut self, _: T) -> Result<(), BoxDynError> {
        unreachable!("nobody asks for anything")
    }

    fn len(&self) -> usize {
        0
    }
}

impl Statement for Nothing {
    type Database = Fake;

    fn into_sql(self) -> SqlStr {
        match self {}
    }

    fn sql(&self) -> &SqlStr {
        match *self {}
    }

    fn parameters(&self) -> Option<Either<&[Nothing], usize>> {
        match *self {}
    }

    fn columns(&self) -> &[Nothing] {
        match *self {}
    }

    fn query(&self) -> Query<'_, Fake, NoArguments> {
        match *self {}
    }

    fn query_with<A: IntoArguments<Fake>>(&self, _: A) -> Query<'_, Fake, A> {
        match *self {}
    }

    fn query_as<O: for<'r> FromRow<'r, Nothing>>(&self) -> QueryAs<'_, Fake, O, NoArguments> {
        match *self {}
    }

    fn query_as_with<'s, O: for<'r> FromRow<'r, Nothing>, A: IntoArguments<Fake>>(&'s self, _: A) -> QueryAs<'s, Fake, O, A> {
        match *self {}
    }

    fn query_scalar<O>(&self) -> QueryScalar<'_, Fake, O, NoArguments>
    where
        (O,): for<'r> FromRow<'r, Nothing>,
    {
        match *self {}
    }

    fn query_scalar_with<'s, O, A: IntoArguments<Fake>>(&'s self, _: A) -> QueryScalar<'s, Fake, O, A>
    where
        (O,): for<'r> FromRow<'r, Nothing>,
    {
        match *self {}
    }
}
