//! A sweep as Parquet: the rows and columns of the tidy data, each column of one type.

use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use serde_json::{Map, Value};

use crate::answers::grid::Grid;
use crate::answers::report::rows::{plain, rows};

/// The bytes of a file with one row for each point and replication; what did not happen is null.
pub fn parquet(grid: &Grid) -> Vec<u8> {
    let rows: Vec<_> = rows(grid).collect();
    let columns: Vec<Column> = rows.first().into_iter().flat_map(Map::keys).map(|name| Column::of(name, &rows)).collect();
    write(&columns).expect("memory can be written to")
}

fn write(columns: &[Column]) -> Result<Vec<u8>> {
    let fields = columns.iter().map(|column| column.field().map(Arc::new)).collect::<Result<_>>()?;
    let schema = Type::group_type_builder("replications").with_fields(fields).build()?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut file = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut file, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for column in columns {
        let mut writer = group.next_column()?.expect("the schema has this column");
        column.write(writer.untyped())?;
        writer.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(file)
}

/// A column, with a hole wherever a row has nothing.
struct Column {
    name: String,
    values: Values,
}

enum Values {
    Truths(Vec<Option<bool>>),
    Whole(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<ByteArray>>),
}

impl Column {
    /// Of the narrowest type that holds all its values.
    fn of(name: &str, rows: &[Map<String, Value>]) -> Column {
        let cells: Vec<&Value> = rows.iter().map(|row| &row[name]).collect();
        let all = |is: fn(&Value) -> bool| cells.iter().all(|cell| cell.is_null() || is(cell));
        let values = if all(Value::is_null) {
            Values::Numbers(vec![None; cells.len()])
        } else if all(Value::is_boolean) {
            Values::Truths(cells.iter().map(|cell| cell.as_bool()).collect())
        } else if all(Value::is_i64) {
            Values::Whole(cells.iter().map(|cell| cell.as_i64()).collect())
        } else if all(Value::is_number) {
            Values::Numbers(cells.iter().map(|cell| cell.as_f64()).collect())
        } else {
            Values::Texts(cells.iter().map(|cell| (!cell.is_null()).then(|| ByteArray::from(plain(cell).into_bytes()))).collect())
        };
        Column { name: name.to_owned(), values }
    }

    fn field(&self) -> Result<Type> {
        let (physical, converted) = match self.values {
            Values::Truths(_) => (Physical::BOOLEAN, ConvertedType::NONE),
            Values::Whole(_) => (Physical::INT64, ConvertedType::NONE),
            Values::Numbers(_) => (Physical::DOUBLE, ConvertedType::NONE),
            Values::Texts(_) => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
        };
        Type::primitive_type_builder(&self.name, physical).with_converted_type(converted).with_repetition(Repetition::OPTIONAL).build()
    }

    fn write(&self, writer: &mut ColumnWriter) -> Result<usize> {
        match (&self.values, writer) {
            (Values::Truths(values), ColumnWriter::BoolColumnWriter(writer)) => {
                let (there, levels) = split(values);
                writer.write_batch(&there, Some(&levels), None)
            }
            (Values::Whole(values), ColumnWriter::Int64ColumnWriter(writer)) => {
                let (there, levels) = split(values);
                writer.write_batch(&there, Some(&levels), None)
            }
            (Values::Numbers(values), ColumnWriter::DoubleColumnWriter(writer)) => {
                let (there, levels) = split(values);
                writer.write_batch(&there, Some(&levels), None)
            }
            (Values::Texts(values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                let (there, levels) = split(values);
                writer.write_batch(&there, Some(&levels), None)
            }
            _ => unreachable!("the writer is the field's"),
        }
    }
}

/// The values that are there; and for each row, whether one is, as Parquet says it.
fn split<T: Clone>(values: &[Option<T>]) -> (Vec<T>, Vec<i16>) {
    (values.iter().flatten().cloned().collect(), values.iter().map(|value| i16::from(value.is_some())).collect())
}
