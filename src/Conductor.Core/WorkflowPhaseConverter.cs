using System.ComponentModel;
using System.Globalization;

namespace Conductor;

/// <summary>Lets configuration and other string sources give a <see cref="WorkflowPhase"/>. Thread-safe.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class WorkflowPhaseConverter : TypeConverter
{
    /// <inheritdoc />
    public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) =>
        sourceType == typeof(string) || base.CanConvertFrom(context, sourceType);

    /// <inheritdoc />
    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
        value is string text ? new WorkflowPhase(text) : base.ConvertFrom(context, culture, value);
}
