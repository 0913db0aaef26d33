using System.Globalization;

namespace Fathom;

/// <summary>An amount of a unit, such as 12.5 km. Equality compares what is measured: 1 km equals 1000 m.</summary>
public readonly struct Quantity : IEquatable<Quantity>, IComparable<Quantity>
{
    private readonly Unit? _unit;

    /// <summary>Makes a quantity.</summary>
    /// <param name="amount">How many of the unit.</param>
    /// <param name="unit">The unit.</param>
    public Quantity(decimal amount, Unit unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        Amount = amount;
        _unit = unit;
    }

    /// <summary>How many of <see cref="Unit"/>.</summary>
    public decimal Amount { get; }

    /// <summary>The unit; metres for <c>default</c>, which is 0 m.</summary>
    public Unit Unit => _unit ?? UnitCatalog.Get("m");

    private decimal BaseAmount => Amount * Unit.Factor;

    /// <summary>Adds two quantities of one dimension; the sum is in the left one's unit.</summary>
    public static Quantity operator +(Quantity left, Quantity right) => new(left.Amount + right.To(left.Unit).Amount, left.Unit);

    /// <summary>Subtracts a quantity of the same dimension; the difference is in the left one's unit.</summary>
    public static Quantity operator -(Quantity left, Quantity right) => new(left.Amount - right.To(left.Unit).Amount, left.Unit);

    /// <summary>Multiplies a quantity by a number.</summary>
    public static Quantity operator *(Quantity quantity, decimal by) => new(quantity.Amount * by, quantity.Unit);

    /// <summary>Whether both measure the same.</summary>
    public static bool operator ==(Quantity left, Quantity right) => left.Equals(right);

    /// <summary>Whether they measure different things or amounts.</summary>
    public static bool operator !=(Quantity left, Quantity right) => !left.Equals(right);

    /// <summary>Whether the left one is less.</summary>
    public static bool operator <(Quantity left, Quantity right) => left.CompareTo(right) < 0;

    /// <summary>Whether the left one is more.</summary>
    public static bool operator >(Quantity left, Quantity right) => left.CompareTo(right) > 0;

    /// <summary>Whether the left one is not more.</summary>
    public static bool operator <=(Quantity left, Quantity right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left one is not less.</summary>
    public static bool operator >=(Quantity left, Quantity right) => left.CompareTo(right) >= 0;

    /// <summary>Reads a quantity such as <c>12.5 km</c>; the space may be left out.</summary>
    /// <param name="text">The text, with a point for decimals.</param>
    /// <exception cref="FormatException">It is not one.</exception>
    public static Quantity Parse(string text) =>
        TryParse(text, out var quantity) ? quantity : throw new FormatException($"'{text}' is not a quantity such as '12.5 km'.");

    /// <summary>Reads a quantity such as <c>12.5 km</c>, if it is one.</summary>
    /// <param name="text">The text, with a point for decimals.</param>
    /// <param name="quantity">The quantity, or 0 m.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(string? text, out Quantity quantity)
    {
        quantity = default;
        var trimmed = text.AsSpan().Trim();
        var split = trimmed.LastIndexOfAnyInRange('0', '9') + 1;
        if (split == 0
            || !decimal.TryParse(trimmed[..split], NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)
            || !UnitCatalog.TryGet(trimmed[split..].Trim().ToString(), out var unit))
        {
            return false;
        }

        quantity = new Quantity(amount, unit!);
        return true;
    }

    /// <summary>The same quantity in another unit.</summary>
    /// <param name="unit">A unit of the same dimension.</param>
    /// <exception cref="InvalidOperationException">It measures something else.</exception>
    public Quantity To(Unit unit)
    {
        ArgumentNullException.ThrowIfNull(unit);
        return unit.Dimension == Unit.Dimension
            ? new Quantity(BaseAmount / unit.Factor, unit)
            : throw new InvalidOperationException($"{Unit.Name} measures {Unit.Dimension}, {unit.Name} measures {unit.Dimension}.");
    }

    /// <inheritdoc />
    public int CompareTo(Quantity other) => Amount.CompareTo(other.To(Unit).Amount);

    /// <inheritdoc />
    public bool Equals(Quantity other) => Unit.Dimension == other.Unit.Dimension && BaseAmount == other.BaseAmount;

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is Quantity other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Unit.Dimension, BaseAmount);

    /// <summary>Amount and symbol, such as <c>12.5 km</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Amount} {Unit.Symbol}");
}
