namespace Fathom.Tests;

public class UnitCatalogTests
{
    [Fact]
    public void All_EveryDimension_HasExactlyOneBaseUnit() => Assert.All(
        Enum.GetValues<Dimension>(),
        dimension => Assert.Single(UnitCatalog.All, unit => unit.Dimension == dimension && unit.Factor == 1));

    [Fact]
    public void Get_UnknownSymbol_ThrowsNamingIt() =>
        Assert.Contains("parsec", Assert.Throws<ArgumentException>(() => UnitCatalog.Get("parsec")).Message, StringComparison.Ordinal);
}
