namespace Fathom;

/// <summary>A unit of the <see cref="UnitCatalog"/>.</summary>
/// <param name="Symbol">Its symbol, such as <c>ftm</c>; case matters.</param>
/// <param name="Name">Its English name, such as <c>fathom</c>.</param>
/// <param name="Dimension">What it measures.</param>
/// <param name="Factor">How many base units it is.</param>
public sealed record Unit(string Symbol, string Name, Dimension Dimension, decimal Factor)
{
    /// <summary>The symbol.</summary>
    public override string ToString() => Symbol;
}
