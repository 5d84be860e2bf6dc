//! Strategies for pools.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::workload::millis;
use crate::experiment::spec::options;
use crate::kernel::time::Span;
use crate::parts::pool::PoolSpec;
use crate::parts::pool::sqlalchemy::{Release, ResetOnReturn, SqlAlchemy};

/// SQLAlchemy's pool with every parameter at random, small and hurried; now and then its NullPool, or another library's pool
/// as its example has it.
pub fn pools() -> impl Strategy<Value = PoolSpec> {
    let example = |kind: &crate::kernel::registry::Listed| options().from_str(kind.example).expect("every example can be read");
    let examples: Vec<PoolSpec> = PoolSpec::KINDS.iter().map(example).collect();
    prop_oneof![5 => sqlalchemy().prop_map(PoolSpec::from), 1 => Just(PoolSpec::NullPool), 1 => select(examples)]
}

/// SQLAlchemy's pool of at most 3 connections and 2 more, with every other parameter at random.
pub fn sqlalchemy() -> impl Strategy<Value = SqlAlchemy> {
    (
        0_u32..4,
        -1_i64..3,
        option::of(prop_oneof![Just(Span::ZERO), millis(1, 30)]),
        option::of(millis(1, 50)),
        any::<bool>(),
        any::<bool>(),
        option::of(select(vec![ResetOnReturn::Rollback, ResetOnReturn::Commit])),
        select(vec![Release::AsyncWith, Release::Close]),
    )
        .prop_map(|(pool_size, max_overflow, pool_timeout, pool_recycle, pool_pre_ping, pool_use_lifo, reset, release)| SqlAlchemy {
            pool_size,
            max_overflow,
            pool_timeout,
            pool_recycle,
            pool_pre_ping,
            pool_use_lifo,
            pool_reset_on_return: reset,
            release,
        })
}
