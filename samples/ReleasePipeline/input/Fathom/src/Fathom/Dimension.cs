namespace Fathom;

/// <summary>What a unit measures. Only quantities of one dimension can be converted, added or compared.</summary>
public enum Dimension
{
    /// <summary>How long; the base unit is the metre.</summary>
    Length,

    /// <summary>How heavy; the base unit is the kilogram.</summary>
    Mass,

    /// <summary>How long it takes; the base unit is the second.</summary>
    Duration,
}
